"""The page of what was served: a file of its own, to be opened without a server and without the web."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from deepfuse.monitoring.charts import bar_chart, line_chart
from deepfuse.monitoring.summary import Day, number

STYLE = """
body { font: 16px/1.5 sans-serif; margin: 2em auto; max-width: 1340px; padding: 0 1em }
table { border-collapse: collapse } th, td { padding: .2em 1em; text-align: right }
th:first-child, td:first-child, .text { text-align: left } tr:nth-child(even) { background: #f2f2f2 }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(440px, 1fr)); gap: 0 2em }
h3 { margin-bottom: 0 } svg { width: 100% } svg text { font: 11px sans-serif; fill: #555 }
.legend { margin: 0; font-size: 13px } .legend span { margin-right: 1.5em }
.legend i { display: inline-block; width: .8em; height: .8em; margin-right: .4em }
.wide { overflow-x: auto } .over { font-weight: bold; color: #a8201a }
"""


def document(title: str, body: str) -> str:
    """A whole page in the style of the reports."""
    head = f'<meta charset="utf-8"><title>deepfuse: {escape(title)}</title><style>{STYLE}</style>'
    return f'<!doctype html>\n<html lang="en">{head}\n<h1>{escape(title)}</h1>\n{body}\n</html>\n'


def served_page(days: Sequence[Day], reasons: Sequence[tuple[str, int]]) -> str:
    """What was fused and refused by day and model: charts, the table, the most frequent reasons."""
    names = list(dict.fromkeys(name for day in days for name in day.measures))
    done, refused = sum(day.done for day in days), sum(day.refused for day in days)
    said = (
        f"<p>{done} pictures made and {refused} brackets refused. Measures are of the picture and its frames at most "
        "512 pixels wide, which compares one day with another, not with the report of an evaluation."
    )
    table = f'<h2>By day and model</h2><div class="wide">{_table(days, names)}</div>' if days else ""
    refusals = "".join(f'<tr><td>{count}<td class="text">{escape(reason)}</tr>' for reason, count in reasons)
    why = f"<h2>Why brackets were refused</h2><table><tr><th>times<th class=text>reason</tr>{refusals}</table>"
    return document("What was served", "\n".join([said, _charts(days, names), table, why if reasons else ""]))


def _charts(days: Sequence[Day], names: Sequence[str]) -> str:
    dates, models = sorted({day.day for day in days}), sorted({day.model for day in days})
    found = {(day.day, day.model): day for day in days}

    def lines(name: str) -> str:
        return line_chart(dates, {m: [_value(found.get((date, m)), name) for date in dates] for m in models})

    counts = {
        "made": [sum(day.done - day.warned for day in days if day.day == date) for date in dates],
        "made, with a warning": [sum(day.warned for day in days if day.day == date) for date in dates],
        "refused": [sum(day.refused for day in days if day.day == date) for date in dates],
    }
    charts = {"Brackets": bar_chart(dates, counts)}
    charts |= {
        title: lines(name)
        for name, title in (("seconds_per_mp", "Seconds a megapixel"), ("gap_ev", "Exposure gap in stops"))
    }
    charts |= {name: lines(name) for name in names}
    cells = "".join(f"<div><h3>{escape(title)}</h3>{chart}</div>" for title, chart in charts.items())
    return f'<div class="charts">{cells}</div>'


def _value(day: Day | None, name: str) -> float | None:
    if day is None:
        return None
    return day.measures.get(name) if name not in ("seconds_per_mp", "gap_ev") else getattr(day, name)


def _table(days: Sequence[Day], names: Sequence[str]) -> str:
    heads = "".join(f"<th>{escape(name)}" for name in ("done", "refused", "warned", "s/MP", "stops", *names))
    rows = (
        f'<tr><td>{escape(day.day)}<td class="text">{escape(day.model)}<td>{day.done}<td>{day.refused}<td>{day.warned}'
        f"<td>{number(day.seconds_per_mp, 2)}<td>{number(day.gap_ev, 1)}"
        + "".join(f"<td>{number(day.measures.get(name), 4)}" for name in names)
        + "</tr>"
        for day in reversed(days)
    )
    return f'<table><thead><tr><th>day<th class="text">model{heads}</tr></thead><tbody>{"".join(rows)}</tbody></table>'
