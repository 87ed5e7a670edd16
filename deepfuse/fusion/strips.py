"""A picture in strips of rows: what they are, and what a network sees of the frames in them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from deepfuse.color import Float, Image
from deepfuse.fusion.planes import luma_plane
from deepfuse.model.rows import Exposures

STRIP_PX = 3 * 2**19  # a strip's planes stay small beside the frames; larger ones are no faster
STRIP_GRID_PX = 64
"""Rows of a strip are a multiple of this, the side of a pixel at the coarsest level of the pyramid network."""


def strips_of(height: int, width: int) -> list[slice]:
    """The rows of a picture in strips of a few megapixels."""
    rows = max(STRIP_PX // width // STRIP_GRID_PX, 1) * STRIP_GRID_PX
    return [slice(top, min(top + rows, height)) for top in range(0, height, rows)]


def exposures_of(frames: Sequence[Image]) -> Exposures:
    """What a network sees of frames (H, W, 3): their luma, converted row by row when it is asked for."""
    height, width, _ = frames[0].shape
    return Exposures(len(frames), height, width, partial(_luma, frames))


def _luma(frames: Sequence[Image], k: int, rows: slice) -> Float:
    return luma_plane(frames[k][rows])
