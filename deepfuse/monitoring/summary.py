"""What records say by day and model: how many, how good, how fast."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

from deepfuse.monitoring.records import Row

SHOWN_REASONS = 20


@dataclass(frozen=True)
class Day:
    """One day of one model.

    Attributes:
        day: of UTC, as YYYY-MM-DD.
        model: its name and the first digits of the hash of its weights.
        done: pictures made.
        refused: brackets without a picture.
        warned: pictures with a warning.
        seconds_per_mp: seconds of all pictures over their megapixels; `None` without one.
        gap_ev: mean stops between the darkest and the brightest frame; `None` where no file said.
        measures: means of those pictures that were measured.
    """

    day: str
    model: str
    done: int
    refused: int
    warned: int
    seconds_per_mp: float | None
    gap_ev: float | None
    measures: Mapping[str, float]

    def as_json(self) -> dict[str, Any]:
        """The same in JSON values."""
        return asdict(self)


def by_day(rows: Iterable[Row]) -> list[Day]:
    """The days of each model, the oldest first."""
    groups: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        groups[row.time[:10], model_of(row)].append(row)
    return [_day(day, model, groups[day, model]) for day, model in sorted(groups)]


def model_of(row: Row) -> str:
    """A model by its name and the start of its hash, since a name may come to mean another.

    >>> model_of(Row("batch", "done", "barn", "shipped", "0123456789abcdef", "1"))
    'shipped 01234567'
    """
    return f"{row.model} {row.model_sha256[:8]}".strip()


def _day(day: str, model: str, rows: Sequence[Row]) -> Day:
    done = [row for row in rows if row.status == "done"]
    names = dict.fromkeys(name for row in done for name in row.measures)
    timed = [(row.seconds, megapixels(row)) for row in done if row.seconds is not None and megapixels(row)]
    return Day(
        day=day,
        model=model,
        done=len(done),
        refused=len(rows) - len(done),
        warned=sum(row.warnings > 0 for row in done),
        seconds_per_mp=sum(took for took, _ in timed) / sum(size for _, size in timed) if timed else None,
        gap_ev=_mean([row.gap_ev for row in done if row.gap_ev is not None]),
        measures={name: fmean(row.measures[name] for row in done if name in row.measures) for name in names},
    )


def megapixels(row: Row) -> float:
    """Of the picture; 0 without one."""
    return row.width_px * row.height_px / 1e6


def _mean(values: Sequence[float]) -> float | None:
    return fmean(values) if values else None


def reasons(rows: Iterable[Row]) -> list[tuple[str, int]]:
    """The most frequent reasons of refusals, with how often each was given."""
    return Counter(row.reason for row in rows if row.status == "refused").most_common(SHOWN_REASONS)


def as_text(days: Sequence[Day]) -> str:
    """A line for each day and model, for people."""
    if not days:
        return "no record"
    wide = max(len(day.model) for day in days)
    head = f"{'day':10}  {'model':{wide}}  {'done':>6} {'refused':>7} {'warned':>6} {'s/MP':>6} {'MEF-SSIM':>8}"
    lines = [
        f"{day.day:10}  {day.model:{wide}}  {day.done:6} {day.refused:7} {day.warned:6} "
        f"{number(day.seconds_per_mp, 2):>6} {number(day.measures.get('mef_ssim'), 4):>8}"
        for day in days
    ]
    return "\n".join([head, *lines])


def number(value: float | None, digits: int) -> str:
    """A number for a table; a dash where there is none."""
    return "–" if value is None else f"{value:.{digits}f}"
