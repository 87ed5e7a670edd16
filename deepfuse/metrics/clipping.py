"""How much of a fused picture is clipped, or bleached, although some frame shows it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from deepfuse.color import Image, mean_luma
from deepfuse.metrics.pictures import check_pictures

PINNED = 254 / 255  # from here on a channel has lost its gradation
HALF_LEVEL = 0.5 / 255  # what an 8-bit file would round to an end of the range, whatever the depth


def clipped_share(frames: Sequence[Image], fused: Image) -> float:
    """Share of pixels that are clipped in the fused picture though not in every frame, 0 to 1; 0 is best.

    A pixel is clipped if any channel is within half an 8-bit level of either end of the range. Pixels clipped in every
    frame count neither way, and if there are no others the share is 0. The definition is this project's own.

    Args:
        frames: K ≥ 2 exposures, as `check_pictures` wants them.
        fused: the fused picture.

    Raises:
        ValueError: pictures that `check_pictures` refuses.
        TypeError: pixels of another dtype.

    >>> dark, bright, fused = (np.full((1, 4, 3), 128, np.uint8) for _ in range(3))
    >>> bright[0, :2] = 255
    >>> fused[0, 0] = 255
    >>> clipped_share([dark, bright], fused)
    0.25
    """
    check_pictures(frames, fused)
    avoidable = ~np.logical_and.reduce([_clipped(frame) for frame in frames])
    return float(_clipped(fused)[avoidable].mean()) if avoidable.any() else 0.0


def pinned_share(frames: Sequence[Image], fused: Image) -> float:
    """Of the highlights that the darkest frame holds, the share that the fused picture bleaches, 0 to 1; 0 is best.

    Highlights are the pixels that the middle frame clips, of two frames the brighter: a channel is at 254 of 255 or
    above. They are held where the darkest frame has no such channel, and bleached where the fused picture has one.
    Without highlights it is 0. The definition is this project's own.

    Args:
        frames: K ≥ 2 exposures, as `check_pictures` wants them.
        fused: the fused picture.

    Raises:
        ValueError: pictures that `check_pictures` refuses.
        TypeError: pixels of another dtype.

    >>> dark, bright, fused = (np.full((1, 4, 3), 128, np.uint8) for _ in range(3))
    >>> bright[0, :2] = 255
    >>> fused[0, 0] = 255
    >>> pinned_share([dark, bright], fused)
    0.5
    """
    check_pictures(frames, fused)
    ordered = sorted(frames, key=mean_luma)
    highlights = _pinned(ordered[len(ordered) // 2]) & ~_pinned(ordered[0])
    return float(_pinned(fused)[highlights].mean()) if highlights.any() else 0.0


def _pinned(image: Image) -> NDArray[np.bool_]:
    """Pixels with a channel at 254 of 255 or above, (H, W)."""
    largest = 1.0 if image.dtype == np.float32 else float(np.iinfo(image.dtype).max)
    return np.asarray(image.max(-1) >= PINNED * largest)


def _clipped(image: Image) -> NDArray[np.bool_]:
    """Pixels with a channel at either end of the range, (H, W)."""
    largest = 1.0 if image.dtype == np.float32 else float(np.iinfo(image.dtype).max)
    low, high = HALF_LEVEL * largest, (1 - HALF_LEVEL) * largest
    return np.asarray(((image <= low) | (image >= high)).any(-1))
