"""The row of a picture that was made: what its record says, and measures that need no truth."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from math import isfinite
from pathlib import Path

from deepfuse.color import Image, to_float
from deepfuse.job.fuse import Fused
from deepfuse.job.prepare import Prepared
from deepfuse.job.record import UsedModel
from deepfuse.metadata.capture import exposure_of
from deepfuse.metrics.table import METRICS
from deepfuse.monitoring.records import Row, keep, records_folder
from deepfuse.photo import Metadata
from deepfuse.proxy import reduced

SIDE_PX = 512  # of the frames and the picture that are measured, so that it takes a third of a second
SMALLEST_PX = 41  # below it, no window fits the smallest scale of MEF-SSIM
_log = logging.getLogger(__name__)
WATCHED = ("mef_ssim", "lightness_order_error", "clipped_share", "pinned_share", "halo", "colour_error", "shadow_noise")


def keep_picture(source: str, scene: str, used: UsedModel, version: str, bracket: Prepared, fused: Fused) -> None:
    """Keep the row of a picture, where rows are kept; where none are, nothing is measured."""
    if records_folder() is not None and (row := picture_row(source, scene, used, version, bracket, fused)):
        keep(row)


def picture_row(source: str, scene: str, used: UsedModel, version: str, bracket: Prepared, fused: Fused) -> Row | None:
    """The row of a picture; `None` where it cannot be measured, which is no matter of the picture."""
    try:
        return _row(source, scene, used, version, bracket, fused)
    except Exception:
        _log.warning("no record of %s is kept", scene or "a picture", exc_info=True)
        return None


def _row(source: str, scene: str, used: UsedModel, version: str, bracket: Prepared, fused: Fused) -> Row:
    record = fused.record
    return Row(
        source=source,
        status="done",
        scene=scene,
        model=used.name,
        model_sha256=used.sha256,
        version=version,
        frames=len(bracket.files),
        gap_ev=gap_ev(bracket.metadata),
        width_px=record.width_px,
        height_px=record.height_px,
        moved=round(record.deghosting.share, 5) if record.deghosting else None,
        warnings=len(record.warnings),
        seconds=round(sum(record.seconds.values()), 3),
        measures=measured(bracket.aligned, fused),
    )


def measured(frames: Sequence[Image], fused: Fused) -> dict[str, float]:
    """Measures of a picture at most 512 pixels wide and high, beside its frames; none where no frame shows all of it.

    They compare one day with another; those of the whole picture are others.
    """
    if fused.shown is not None:
        return {}
    *small, picture = (to_float(reduced(image, SIDE_PX)) for image in (*frames, fused.pixels))
    if min(picture.shape[:2]) < SMALLEST_PX:
        return {}
    values = {metric.name: metric.function(small, picture) for metric in METRICS if metric.name in WATCHED}
    return {name: round(value, 5) for name, value in values.items() if isfinite(value)}


def gap_ev(metadata: Sequence[Metadata]) -> float | None:
    """The stops between the darkest and the brightest frame; `None` where a file does not say its exposure."""
    exposures = [exposure_of(one.exif) for one in metadata]
    values = [one.ev for one in exposures if one is not None and one.ev is not None]
    return round(max(values) - min(values), 2) if values and len(values) == len(exposures) else None


def served_version(model: Path) -> str:
    """What MLflow calls the version that has its weights in the folder `artifacts/model`; "served" if it says nothing.

    It writes the name and the number beside the files of a registered model that it downloads.
    """
    try:
        lines = (model.parents[1] / "registered_model_meta").read_text(encoding="utf-8").splitlines()
    except OSError:
        return "served"
    said = dict(line.split(": ", 1) for line in lines if ": " in line)
    number = said.get("model_version", "").strip("'\"")
    return f"models:/{said['model_name']}/{number}" if "model_name" in said and number else "served"
