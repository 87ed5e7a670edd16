"""What an evaluation shows: mean scores, a table per scene, the means of every measure, contact sheets and a page."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from html import escape
from math import fsum
from pathlib import Path
from typing import Any
from urllib.parse import quote

import cv2
import numpy as np

from deepfuse.color import Image, from_float, to_float
from deepfuse.evaluation import Score
from deepfuse.metrics import table
from deepfuse.metrics.table import HEADLINE, Metric

Scores = Mapping[str, Mapping[str, Score]]

PANEL_PX = 480  # width of a picture in a sheet, where about six stand side by side
LABEL_PX = 26  # height of the line above it
PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>deepfuse: evaluation</title>
<style>
body {{ font: 16px/1.5 sans-serif; margin: 2em auto; max-width: 1500px; padding: 0 1em }}
table {{ border-collapse: collapse }} th, td {{ padding: .2em 1em; text-align: right }}
th:first-child, td:first-child, .text {{ text-align: left }} tr:nth-child(even) {{ background: #f2f2f2 }}
tfoot {{ font-weight: bold; border-top: 2px solid }} img {{ max-width: 100% }}
</style>
<h1>Evaluation on {count} test scenes</h1>
<p>MEF-SSIM over three scales, 1 is best. <em>model</em> is the network at the quality that it is served with.</p>
<table><thead><tr><th>scene{heads}<th>pixels that move</tr></thead><tbody>
{rows}
</tbody><tfoot><tr><td>mean{means}<td></tr></tfoot></table>
<h2>Means of every measure</h2>
<table><thead><tr><th>measure{heads}<th class="text">meaning</tr></thead><tbody>
{measures}
</tbody></table>
{sheets}
</html>
"""


def mean_scores(scores: Scores) -> dict[str, Any]:
    """The metrics file: the number of scenes, and each method's mean over them."""
    means: dict[str, Any] = {"scenes": len(scores)}
    for metric in table.METRICS:
        means[metric.name] = {method: _mean(scores, method, metric.name) for method in _methods(scores)}
    return means


def scores_csv(scores: Scores) -> str:
    """One line per scene: every measure of each method, three-scale MEF-SSIM first."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    columns = [(metric.name, method) for metric in table.METRICS for method in _methods(scores)]
    writer.writerow(["scene", *(f"{metric}_{method}" for metric, method in columns)])
    for scene, by_method in scores.items():
        writer.writerow([scene, *(f"{by_method[method][metric]:.6f}" for metric, method in columns)])
    return text.getvalue()


def read_scores(path: Path, method: str = "model") -> dict[str, Score]:
    """The scores of one method by scene, from a file of `scores_csv`."""
    with path.open(encoding="utf-8", newline="") as file:
        return {
            row["scene"]: Score({metric.name: float(row[f"{metric.name}_{method}"]) for metric in table.METRICS})
            for row in csv.DictReader(file)
        }


def report_page(scores: Scores, pictured: Iterable[str], moving: Mapping[str, float | None]) -> str:
    """A page that shows MEF-SSIM by scene, the means of every measure, and contact sheets of some scenes.

    `moving` is the share of the picture that moved, by scene. The sheets are looked for in the folder `sheets` beside
    the page.
    """
    names = _methods(scores)
    rows = (
        f"<tr><td>{escape(scene)}"
        + "".join(f"<td>{by_method[name][HEADLINE]:.4f}" for name in names)
        + _share(moving[scene])
        for scene, by_method in scores.items()
    )
    sheets = (f'<h2>{escape(scene)}</h2><img src="sheets/{quote(scene)}.jpg" alt="">' for scene in pictured)
    return PAGE.format(
        count=len(scores),
        heads="".join(f"<th>{name}" for name in names),
        rows="\n".join(rows),
        means="".join(f"<td>{_mean(scores, name, HEADLINE):.4f}" for name in names),
        measures="\n".join(_measure_row(scores, metric) for metric in table.METRICS),
        sheets="\n".join(sheets),
    )


def _share(share: float | None) -> str:
    return f"<td>{'unknown' if share is None else f'{share:.2%}'}</tr>"


def _measure_row(scores: Scores, metric: Metric) -> str:
    means = "".join(f"<td>{_mean(scores, method, metric.name):.4f}" for method in _methods(scores))
    return f'<tr><td>{metric.name}{means}<td class="text">{escape(metric.description)}</tr>'


def contact_sheet(pictures: Mapping[str, Image]) -> Image:
    """Labelled pictures side by side, each scaled to a width of 480 pixels: (H, W, 3) uint8."""
    return np.concatenate([_panel(label, picture) for label, picture in pictures.items()], axis=1)


def _panel(label: str, picture: Image) -> Image:
    height = max(1, round(picture.shape[0] * PANEL_PX / picture.shape[1]))
    small = np.asarray(cv2.resize(to_float(picture), (PANEL_PX, height), interpolation=cv2.INTER_AREA), np.float32)
    strip = np.full((LABEL_PX, PANEL_PX, 3), 255, np.uint8)
    cv2.putText(strip, label, (8, LABEL_PX - 8), cv2.FONT_HERSHEY_SIMPLEX, 0.55, (0, 0, 0), 1, cv2.LINE_AA)
    return np.concatenate([strip, from_float(small, np.dtype(np.uint8))])


def _methods(scores: Scores) -> list[str]:
    return list(next(iter(scores.values())))


def _mean(scores: Scores, method: str, metric: str) -> float:
    return round(fsum(by_method[method][metric] for by_method in scores.values()) / len(scores), 6)
