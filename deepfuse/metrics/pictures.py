"""What the measures share: checked pictures, smaller ones, their mean."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import cv2
import numpy as np

from deepfuse.color import Float, Image, check_range, to_float


def check_pictures(frames: Sequence[Image], fused: Image) -> None:
    """Make sure that the frames of one bracket and the picture fused of them can be compared.

    Args:
        frames: two or more, in any order, each (H, W, 3) sRGB-encoded RGB in uint8, uint16 or float32 from 0 to 1.
        fused: the like, of the same height and width; its dtype may differ.

    Raises:
        ValueError: fewer than two frames, shapes that differ or are no (H, W, 3), floats that leave 0..1.
        TypeError: pixels of another dtype.
    """
    if len(frames) < 2:
        raise ValueError(f"expected 2 or more frames, got {len(frames)}")
    for picture in (*frames, fused):
        if picture.ndim != 3 or picture.shape[2] != 3 or picture.shape != fused.shape or not picture.size:
            raise ValueError(f"expected pictures of one size (H, W, 3), got {picture.shape} beside {fused.shape}")
        check_range(picture)


def reduced(image: Image, scale: float) -> Float:
    """The picture (H, W, 3) as float32, averaged down by `scale`, or as it is where that would enlarge it."""
    size = [max(1, round(side * min(1.0, scale))) for side in image.shape[1::-1]]
    return np.asarray(cv2.resize(to_float(image), size, interpolation=cv2.INTER_AREA), np.float32)


def mean_picture(pictures: Iterable[Float]) -> Float:
    """The mean of pictures of one shape, which it keeps."""
    return np.asarray(np.mean(list(pictures), axis=0), np.float32)
