"""Whether the colours of a fused picture are those of the frames.

A pixel's own colour is that of the unclipped frame whose luma is nearest to the fused one, as the same camera would
record it at the exposure that gives the fused luma (see `reexposed`). Pictures are averaged down to at most 400 pixels
on the longer side. Where no frame is unclipped, or all of them are black, no colour is known and none is compared.
Differences are in Oklab, times 100: 2 are just seen side by side. The definitions are this project's own.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from deepfuse.color import Float, Image, luma, to_linear
from deepfuse.metrics.oklab import oklab
from deepfuse.metrics.pictures import check_pictures, reduced
from deepfuse.metrics.reexposure import reexposed

SIDE_PX = 400  # colours are seen in areas; finer are noise and fringes
LEAST, MOST = 8 / 255, 247 / 255  # levels within which a channel tells a colour: below is noise, above the clipping
GREY = 1e-3  # mean chroma below which pictures have none
STEP_SIGMA = 0.01  # of the longer side: texture goes, edges of areas stay
SEEN = 1.0  # of chroma steps, times 100, over two of these sigmas: less is no edge

Colours = tuple[NDArray[np.float32], NDArray[np.float32]]


def colour_error(frames: Sequence[Image], fused: Image) -> float:
    """Mean distance in a and b from the pixels' own colours, times 100; 0 is best.

    Args:
        frames: K ≥ 2 exposures, as `check_pictures` wants them.
        fused: the fused picture.

    Raises:
        ValueError: pictures that `check_pictures` refuses.
        TypeError: pixels of another dtype.

    >>> lamp, grey = np.full((8, 8, 3), [0.7, 0.5, 0.3], np.float32), np.full((8, 8, 3), 0.5, np.float32)
    >>> round(colour_error([lamp, lamp], lamp), 2), round(colour_error([lamp, lamp], grey), 2)
    (0.0, 8.78)
    """
    got, own = _colours(frames, fused)
    return 100 * float(np.hypot(*(got - own).T).mean()) if len(own) else 0.0


def hue_error(frames: Sequence[Image], fused: Image) -> float:
    """Mean distance in hue from the pixels' own colours, times 100: 2 √(C₁ C₂) |sin(Δh / 2)|; 0 is best.

    Args:
        frames: K ≥ 2 exposures, as `check_pictures` wants them.
        fused: the fused picture.

    Raises:
        ValueError: pictures that `check_pictures` refuses.
        TypeError: pixels of another dtype.

    >>> lamp, pink = (np.full((8, 8, 3), [0.7, 0.5, blue], np.float32) for blue in (0.3, 0.55))
    >>> round(hue_error([lamp, lamp], lamp), 1), round(hue_error([lamp, lamp], pink), 1)
    (0.0, 8.2)
    """
    got, own = _colours(frames, fused)
    if not len(own):
        return 0.0
    along = np.hypot(*got.T) * np.hypot(*own.T) - (got * own).sum(1)  # C₁ C₂ (1 − cos Δh), and 1 − cos is 2 sin²
    return 100 * float(np.sqrt(np.maximum(2 * along, 0)).mean())


def chroma_gain(frames: Sequence[Image], fused: Image) -> float:
    """Chroma over that of the pixels' own colours; 1 is kept, more is added, less is pale.

    Args:
        frames: K ≥ 2 exposures, as `check_pictures` wants them.
        fused: the fused picture.

    Returns:
        The ratio of the means; 1 if the frames have no colour.

    Raises:
        ValueError: pictures that `check_pictures` refuses.
        TypeError: pixels of another dtype.

    >>> lamp = np.full((8, 8, 3), [0.7, 0.5, 0.3], np.float32)
    >>> round(chroma_gain([lamp, lamp], (lamp + lamp.mean()) / 2), 2)
    0.54
    """
    got, own = _colours(frames, fused)
    wanted = float(np.hypot(*own.T).sum(dtype=np.float64))
    return float(np.hypot(*got.T).sum(dtype=np.float64)) / wanted if wanted > GREY * len(own) else 1.0


def false_colour(frames: Sequence[Image], fused: Image) -> float:
    """Share of the picture with a colour edge that no frame has, 0 to 1; 0 is best.

    A sky that jumps from teal to violet where one frame's colours pass to another's. Edges are steps in a and b of at
    least `SEEN` more than in each frame, re-exposed to the fused luma; all are smoothed over 1 % of the longer side.

    Args:
        frames: K ≥ 2 exposures, as `check_pictures` wants them.
        fused: the fused picture.

    Raises:
        ValueError: pictures that `check_pictures` refuses.
        TypeError: pixels of another dtype.

    >>> sky = np.full((60, 100, 3), [0.4, 0.6, 0.8], np.float32)
    >>> jump = sky.copy()
    >>> jump[:, 50:] = [0.6, 0.55, 0.9]
    >>> round(false_colour([sky, sky], jump), 2), false_colour([sky, jump], jump)
    (0.04, 0.0)
    """
    check_pictures(frames, fused)
    small, others = _reduced(frames, fused)
    y = luma(small)
    lit = [to_linear(np.maximum(frame, LEAST / 8)) for frame in others]  # black, exposed more, would stay black
    had = np.max([_steps(reexposed(light, y)) for light in lit], axis=0)
    return float((_steps(small) > had + SEEN).mean())


def _steps(rgb: Float) -> Float:
    """Steps of a and b, times 100, over two sigmas."""
    sigma = STEP_SIGMA * max(rgb.shape[:2])
    ab = cv2.GaussianBlur(oklab(rgb)[..., 1:], (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
    slopes = [cv2.Sobel(ab, cv2.CV_32F, dx, 1 - dx, ksize=1) / 2 for dx in (0, 1)]
    return np.asarray(200 * sigma * np.sqrt(np.square(slopes).sum((0, 3))), np.float32)


def _colours(frames: Sequence[Image], fused: Image) -> Colours:
    """a and b (N, 2) of the fused picture, and of the pixels' own colours, where they are known."""
    check_pictures(frames, fused)
    small, others = _reduced(frames, fused)
    y = luma(small)
    distances = np.stack([np.abs(luma(frame) - y) for frame in others])
    distances[~np.stack([(frame.min(-1) >= LEAST) & (frame.max(-1) <= MOST) for frame in others])] = np.inf
    nearest = np.take_along_axis(np.stack(others), distances.argmin(0)[None, ..., None], 0)[0]
    known = np.isfinite(distances.min(0))
    own = oklab(reexposed(to_linear(nearest), y))
    return oklab(small)[known][:, 1:], own[known][:, 1:]


def _reduced(frames: Sequence[Image], fused: Image) -> tuple[Float, list[Float]]:
    scale = SIDE_PX / max(fused.shape[:2])
    return reduced(fused, scale), [reduced(frame, scale) for frame in frames]
