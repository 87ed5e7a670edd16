"""How strong the colours of a fused picture are beside those of the frames."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from deepfuse.color import NEUTRAL_CHROMA, Float, Image, rgb_to_ycbcr, to_float
from deepfuse.metrics.pictures import check_pictures

MID_GREY = 0.5  # the luma that is farthest from both ends of the range
LEAST_CHROMA = 0.02  # five 8-bit levels: below are greys, whose chroma is noise and compression
ROWS_AT_ONCE = 256  # luma and chroma of all frames in float32 would be many times the pictures


def chroma_gain(frames: Sequence[Image], fused: Image) -> float:
    """Mean chroma of the fused picture over that of the best exposed frame at each pixel; 1 is kept, more is added.

    Chroma is the distance of (Cb, Cr) from neutral; best exposed is the frame whose luma is nearest to 0.5. Pixels
    count where that frame's chroma exceeds 0.02; without any the gain is 1. The definition is this project's own.

    Args:
        frames: K ≥ 2 exposures, as `check_pictures` wants them.
        fused: the fused picture.

    Raises:
        ValueError: pictures that `check_pictures` refuses.
        TypeError: pixels of another dtype.

    >>> frame = np.full((1, 1, 3), [0.7, 0.5, 0.3], np.float32)
    >>> halfway_to_grey = (frame + np.float32(0.5)) / 2
    >>> round(chroma_gain([frame, frame], halfway_to_grey), 4)
    0.5
    """
    check_pictures(frames, fused)
    kept, wanted = 0.0, 0.0
    for top in range(0, len(fused), ROWS_AT_ONCE):
        rows = slice(top, top + ROWS_AT_ONCE)
        lumas, chromas = zip(*(_luma_and_chroma(frame[rows]) for frame in frames), strict=True)
        nearest = np.abs(np.stack(lumas) - MID_GREY).argmin(0)
        best = np.take_along_axis(np.stack(chromas), nearest[None], 0)[0]
        coloured = best > LEAST_CHROMA
        wanted += float(best[coloured].sum(dtype=np.float64))
        kept += float(_luma_and_chroma(fused[rows])[1][coloured].sum(dtype=np.float64))
    return kept / wanted if wanted else 1.0


def _luma_and_chroma(image: Image) -> tuple[Float, Float]:
    """Luma and the distance of chroma from neutral, both (H, W)."""
    y, chroma = rgb_to_ycbcr(to_float(image))
    return y, np.hypot(chroma[..., 0] - NEUTRAL_CHROMA, chroma[..., 1] - NEUTRAL_CHROMA)
