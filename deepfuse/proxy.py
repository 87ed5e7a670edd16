"""The small version of a picture that is looked at instead of it: one size rule, one way to average."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from deepfuse.color import Float, Image, Mask

SIDE_PX = 1024
"""Of a frame's proxy: of 24 megapixels each pixel is the mean of 34, and all that is done to a proxy takes 0.1 s."""
WELL_EXPOSED = (0.1, 0.9)
"""Values far from both noise and clipping, of luma or of green, which is the most of it."""


def size_within(width: int, height: int, side_px: int) -> tuple[int, int]:
    """The size (width, height) of a picture with its longer side at most `side_px`, in its own proportions.

    >>> size_within(6000, 4000, 1024)
    (1024, 683)
    """
    shrink = max(1.0, max(width, height) / side_px)
    return max(round(width / shrink), 1), max(round(height / shrink), 1)


def well_exposed(plane: Float) -> NDArray[np.bool_]:
    """Where values (H, W), 0 to 1, lie in `WELL_EXPOSED`."""
    low, high = WELL_EXPOSED
    return (plane > low) & (plane < high)


def averaged(picture: Image, size: tuple[int, int]) -> Image:
    """A picture (H, W) or (H, W, 3) as (width, height): each pixel the mean of those it covers, in its own dtype."""
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), picture.dtype)


def whole(mask: Mask, size: tuple[int, int]) -> Mask:
    """A mask (H, W) of 1 and 0 as (width, height): 1 where all that a pixel covers is 1.

    >>> whole(np.array([[1, 1, 1, 0]], np.uint8), (2, 1)).tolist()
    [[1, 0]]
    """
    return np.asarray(averaged(mask * np.uint8(255), size) == 255, np.uint8)


def reduced(picture: Image, side_px: int = SIDE_PX) -> Image:
    """A picture (H, W) or (H, W, 3) of any depth, its longer side at most `side_px`; as it is where that is smaller.

    Integers are rounded, so who wants more than their depth reduces floats.
    """
    height, width = picture.shape[:2]
    size = size_within(width, height, side_px)
    return picture if size == (width, height) else averaged(picture, size)
