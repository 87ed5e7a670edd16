"""Frames and a model → the fused picture: any size, any number of exposures, by strips of rows."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from threading import Semaphore

import cv2
import numpy as np
import torch
from numpy.typing import ArrayLike

from deepfuse.color import Image
from deepfuse.frames import check_frames
from deepfuse.fusion.compose import paint
from deepfuse.fusion.controls import NEUTRAL, Controls
from deepfuse.fusion.strips import exposures_of, strips_of
from deepfuse.model import SHIPPED, Network, Quality, native_precision, read_model
from deepfuse.model.network import device_of
from deepfuse.model.quality import check_quality
from deepfuse.threads import side_by_side

MEAN_ROWS = 256  # added up at once; few, should they have to be copied
MOST_STRIPS = 8  # computed at once; each needs memory of its own, and more cores must not cost more of it


def fuse(
    frames: Sequence[ArrayLike],
    *,
    model: Network | None = None,
    quality: Quality | None = None,
    controls: Controls = NEUTRAL,
) -> Image:
    """Fuse the aligned exposures of one scene into one picture.

    What it needs beside the frames and the picture is about a twentieth of them and a few strips of rows.

    Args:
        frames: K ≥ 2 arrays (H, W, 3) of one shape and dtype: uint8, uint16 or float32 (0 to 1), sRGB-encoded,
            in any order: the result is the same.
        model: the network; the shipped one if `None`.
        quality: "best" is the whole network; "fast" takes the coefficients of half size from a quarter of the size;
            the first that the network has if `None`.
        controls: the look; by default the picture is as the network made it.

    Returns:
        (H, W, 3) of the frames' dtype.

    Raises:
        ValueError: fewer than two frames, other shapes, or floats that leave 0..1; an unknown quality.
        TypeError: frames of another dtype, or of several.
        ModelError: a quality that the network does not have.

    >>> import numpy as np
    >>> from deepfuse import fuse
    >>> dark, bright = (np.full((64, 96, 3), level, np.uint8) for level in (60, 180))
    >>> round(float(fuse([dark, bright]).mean()), -1)
    130.0
    """
    model = model or shipped_model()
    quality = quality or model.qualities[0]
    check_quality(quality, model.arch, model.qualities)
    arrays = _from_dark_to_bright(check_frames(frames))
    fused = np.empty_like(arrays[0], order="C")
    strips = strips_of(*fused.shape[:2])
    # Its calls are short: threads that all paint wait for Python's lock more than they work.
    painting = Semaphore(max(min(torch.get_num_threads(), MOST_STRIPS) // 2, 1))
    with side_by_side(MOST_STRIPS) as run:
        luma_of = model.by_rows(
            exposures_of(arrays), quality, dtype=native_precision(device_of(model)), strips=strips, run=run
        )

        def fuse_strip(rows: slice) -> None:
            with torch.inference_mode():  # holds for one thread
                y = luma_of(rows)
            with painting:
                paint(fused[rows], y, [array[rows] for array in arrays], model.chroma, controls)

        for _ in run(fuse_strip, strips):
            pass
    return fused


@cache
def shipped_model() -> Network:
    """The network that comes with the package."""
    return read_model(SHIPPED)


def _from_dark_to_bright(frames: Sequence[Image]) -> list[Image]:
    """The frames in an order that does not depend on the one they came in: sums over them round by it."""
    means = [_mean(frame) for frame in frames]
    tied = len(set(means)) < len(means)
    order = sorted(range(len(frames)), key=lambda k: (means[k], frames[k].tobytes() if tied else b""))
    return [frames[k] for k in order]


def _mean(frame: Image) -> float:
    """As precise as floats of 64 bits: of integers the sum is exact, however it is added up."""
    if frame.dtype == np.float32:
        return float(np.mean(frame, dtype=np.float64))
    rows = (np.ascontiguousarray(frame[top : top + MEAN_ROWS]) for top in range(0, len(frame), MEAN_ROWS))
    return sum(sum(cv2.sumElems(some)) for some in rows) / frame.size
