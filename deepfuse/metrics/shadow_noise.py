"""Whether lifting shadows lifted their noise."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from deepfuse.color import Float, Image, luma, to_float
from deepfuse.metrics.pictures import check_pictures

TILE_PX = 16
SHADOW = 0.3  # mean luma of the frames below which a tile is in the shadows
FLATTEST = 0.25  # share of the shadows' tiles that is taken for flat: the least noisy ones of the noisiest frame
ROUNDING = 0.5 / 255  # of 8 bits: below it there is no noise to speak of
ROWS_AT_ONCE = 16 * TILE_PX


def shadow_noise(frames: Sequence[Image], fused: Image) -> float:
    """Noise of flat shadows over that of the noisiest frame there; up to 1 is what a frame shows, 0 is best.

    Noise is the mean of |a − b − c + d| / 2 over the 2 × 2 pixels of a tile of 16 × 16, which slopes do not enter.
    Shadows are the tiles whose mean luma over all frames is below 0.3; flat is the quarter of them where the noisiest
    frame has least. The noisiest frame of a tile counts as half a level of 255 at least. Without shadows it is 0. The
    definition is this project's own.

    Args:
        frames: K ≥ 2 exposures, as `check_pictures` wants them.
        fused: the fused picture.

    Raises:
        ValueError: pictures that `check_pictures` refuses.
        TypeError: pixels of another dtype.

    >>> noisy = np.full((32, 32, 3), 0.1, np.float32)
    >>> noisy[::2, ::2] += 0.02
    >>> round(shadow_noise([noisy, noisy], noisy + (noisy - 0.1)), 3)
    2.0
    """
    check_pictures(frames, fused)
    if min(fused.shape[:2]) < TILE_PX:
        return 0.0
    had, brightness = (np.array(values) for values in zip(*(_tiles(frame) for frame in frames), strict=True))
    got, noisiest = _tiles(fused)[0], np.maximum(had.max(0), ROUNDING)
    shadows = brightness.mean(0) < SHADOW
    if not shadows.any():
        return 0.0
    flat = shadows & (noisiest <= np.quantile(noisiest[shadows], FLATTEST))
    return float(got[flat].sum() / noisiest[flat].sum())


def _tiles(image: Image) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Noise and mean luma of each whole tile."""
    height, width = (side // TILE_PX for side in image.shape[:2])
    parts = []
    for top in range(0, height * TILE_PX, ROWS_AT_ONCE):
        rows = slice(top, min(top + ROWS_AT_ONCE, height * TILE_PX))
        parts.append(_of_rows(luma(to_float(image[rows, : width * TILE_PX]))))
    noise, brightness = (np.concatenate(part) for part in zip(*parts, strict=True))
    return noise, brightness


def _of_rows(y: Float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    size = (y.shape[1] // TILE_PX, y.shape[0] // TILE_PX)
    differences = np.abs(y[::2, ::2] - y[::2, 1::2] - y[1::2, ::2] + y[1::2, 1::2]) / 2
    means = (cv2.resize(plane, size, interpolation=cv2.INTER_AREA) for plane in (differences, y))
    noise, brightness = (np.asarray(mean, np.float64) for mean in means)
    return noise, brightness
