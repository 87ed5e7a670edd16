"""The report as it goes to MLflow, with every version: its full pictures of 16 bits become small JPEGs."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import numpy as np

from deepfuse.color import Image, from_float, to_float
from deepfuse.photo import Encoding, read_photo, write_photo

SIDE_PX = 640
FULL = ".tif"
ENCODING = Encoding(jpeg_quality=85)


def copy_light(report: Path, folder: Path) -> None:
    """Copy the folder of stage `evaluate`, each full picture as a JPEG of 640 pixels or less on its longer side."""
    for path in sorted(path for path in report.rglob("*") if path.is_file()):
        target = folder / path.relative_to(report)
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == FULL:
            write_photo(target.with_suffix(".jpg"), shrink(read_photo(path)), encoding=ENCODING)
        else:
            shutil.copyfile(path, target)


def shrink(picture: Image) -> Image:
    """The means of whole blocks of pixels, as many as fit: (H, W, 3) of any depth → (h, w, 3) uint8, 640 or less."""
    block = max(1, math.ceil(max(picture.shape[:2]) / SIDE_PX))
    height, width = (max(1, side // block) for side in picture.shape[:2])
    whole = to_float(picture[: height * block, : width * block])
    # A picture thinner than a block is taken with the rows it has.
    means = whole.reshape(height, -1, width, whole.shape[1] // width, 3).mean((1, 3))
    return from_float(means.astype(np.float32), np.dtype(np.uint8))
