"""The page of what arrived beside what the champion was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from deepfuse.monitoring.charts import pair_chart
from deepfuse.monitoring.drift import CONFIDENCE, Shift, headline
from deepfuse.monitoring.page import document
from deepfuse.monitoring.summary import number

MEANING = {
    "refused": "whether a stage refused the bracket",
    "camera": "make and model",
    "frames": "frames of a bracket",
    "megapixels": "of a frame, registered and cropped",
    "gap_ev": "stops between the darkest and the brightest frame",
    "burnt": "share of the darkest frame that is clipped",
    "black": "share of the brightest frame that is black",
    "noise": "of the brightest frame, in levels of 255",
    "moving": "share of the picture that moved",
}


def drift_page(champion: str, found: Sequence[Shift], bound: float) -> str:
    """A page with a table of all features and the distributions of each."""
    rows = "".join(_row(one) for one in found)
    charts = "".join(_chart(one) for one in found if one.bins)
    body = f"""<p><strong>{escape(headline(found).capitalize())}.</strong> The champion is version {escape(champion)}.
<p>PSI is the population stability index of the shares in each bin, Σ (q − p) · ln(q / p). Below 0.1 little has changed;
above {bound:g} and above what chance alone passes once in {1 / (1 - CONFIDENCE):.0f} comparisons, much has.
<table><tr><th>feature<th>PSI<th>chance<th>the champion's<th>new<th class="text">meaning</tr>{rows}</table>
<div class="charts">{charts}</div>"""
    return document("What arrived", body)


def _row(one: Shift) -> str:
    told = "too few to tell" if one.psi is None else number(one.psi, 3)
    cell = f'<td class="over">{told}' if one.over else f"<td>{told}"
    counts = f"<td>{sum(one.before)}<td>{sum(one.after)}"
    meaning = escape(MEANING.get(one.feature, ""))
    return f'<tr><td>{one.feature}{cell}<td>{number(one.chance, 3)}{counts}<td class="text">{meaning}</tr>'


def _chart(one: Shift) -> str:
    sides = {"the champion's": one.before, "new": one.after}
    shares = {name: [count / max(sum(counts), 1) for count in counts] for name, counts in sides.items()}
    return f"<div><h3>{one.feature}</h3>{pair_chart(one.bins, shares)}</div>"
