"""Small luma planes of the frames in which different exposures look alike."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import cv2
import numpy as np

from deepfuse.alignment.geometry import is_identity, warp
from deepfuse.alignment.result import Matrix
from deepfuse.color import LUMA, Float, Image, Mask
from deepfuse.proxy import SIDE_PX, averaged, reduced, well_exposed, whole

BLACK, WHITE = 0.7 / 255, 0.98  # outside, a pixel says nothing about the scene
BLUR_PX = 1.0  # makes resampling invisible to the comparison
NEIGHBOURHOOD_PX = 19  # larger than texture, smaller than a tile
EVERY = 4  # pixel of the deviation along both axes tells what is quiet: its neighbourhood is five times as wide
MIN_CONTRAST = 1e-4  # of the range: less than a frame's rounding, so that flat areas stay flat
BAND_PX = 2**16  # converted at once: they stay in the processor's cache
LARGE = 4  # times as large as its proxy: there means of 2 × 2 pixels do for the pixels


@dataclass(frozen=True)
class Proxy:
    """Luma (height, width), 0 to 1, and where it is neither black nor clipped (1) or unknown (0).

    `known` is the same of a picture that is one only in part, whatever the luma; `None` where all is picture.
    """

    luma: Float
    valid: Mask
    known: Mask | None = None

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.luma.shape[1], self.luma.shape[0]

    @cached_property
    def half(self) -> Proxy:
        """The same at half the size."""
        width, height = self.size
        size = width // 2, height // 2
        return prepare(averaged(self.luma, size), None if self.known is None else whole(self.known, size))

    @cached_property
    def contrast(self) -> Float:
        """Local contrast of the luma, see `local_contrast`."""
        return local_contrast(self)


def luma(picture: Image) -> Float:
    """Luma (height, width), 0 to 1, of an sRGB-encoded picture of any depth.

    It is what `color.luma` makes of floats but for the last bit of a value, in an eighth of the time: whole pictures
    are converted here.
    """
    weights = LUMA[None] if picture.dtype == np.float32 else LUMA[None] / float(np.iinfo(picture.dtype).max)
    y = np.empty(picture.shape[:2], np.float32)
    band = max(BAND_PX // picture.shape[1], 1)
    for top in range(0, len(y), band):
        rows = slice(top, top + band)
        y[rows] = cv2.transform(picture[rows].astype(np.float32), weights)
    return y


def make_proxy(picture: Image, known: Mask | None = None) -> Proxy:
    """The proxy of a picture (height, width, 3): its luma is reduced as floats, so that nothing is rounded.

    `known` (height, width) is 1 where it is picture; all is if `None`.
    """
    small = reduced(_halved_luma(picture))
    return prepare(small, None if known is None else whole(known, (small.shape[1], small.shape[0])))


def _halved_luma(picture: Image) -> Float:
    """The luma of a picture (height, width, 3) at half its size, or at its own if it is small or has an odd side."""
    height, width = picture.shape[:2]
    if height % 2 or width % 2 or max(height, width) < LARGE * SIDE_PX:
        return luma(picture)
    halved = np.empty((height // 2, width // 2), np.float32)
    band = max(BAND_PX // width // 2, 1)
    for top in range(0, len(halved), band):
        y = luma(picture[2 * top : 2 * (top + band)])
        halved[top : top + band] = averaged(y, (width // 2, len(y) // 2))
    return halved


def prepare(y: Float, known: Mask | None = None) -> Proxy:
    """Free luma from hot pixels, which stand still while the scene moves, and mark what is usable."""
    clean = np.asarray(cv2.medianBlur(y, 3), dtype=np.float32)
    valid = ((clean > BLACK) & (clean < WHITE)).astype(np.uint8)
    return Proxy(clean, valid if known is None else np.asarray(valid & known, np.uint8), known)


def warped(frame: Proxy, homography: Matrix, size: tuple[int, int]) -> Proxy:
    """`frame` as the reference of (width, height) pixels would see it; what falls outside is not valid."""
    if is_identity(homography):
        return frame
    valid = cv2.warpPerspective(frame.valid, homography, size, flags=cv2.INTER_NEAREST, borderValue=(0,))
    return Proxy(np.asarray(warp(frame.luma, homography, size)), np.asarray(valid, dtype=np.uint8))


def well_exposed_share(proxy: Proxy) -> float:
    """Share of the pixels, 0 to 1, that are known and well exposed."""
    return float((well_exposed(proxy.luma) & (proxy.valid > 0)).mean())


def local_contrast(proxy: Proxy) -> Float:
    """Luma less its local mean, over its local deviation: -3 to 3, alike at all exposures, 0 if not valid.

    The deviation is damped by the picture's own quiet level, so that noise is not blown up to texture.
    """
    weight = None if proxy.valid.all() else proxy.valid.astype(np.float32)
    near, share = _weights(*proxy.valid.shape) if weight is None else _weights_of(weight)
    signal = _soften(_weighted(proxy.luma, weight)) / near
    centred = signal - _surround(_weighted(signal, weight)) / share
    centred = _weighted(centred, weight)
    variance = np.maximum(_surround(np.square(centred)), 0.0) / share
    seen = variance[::EVERY, ::EVERY]
    inside = seen if weight is None else seen[proxy.valid[::EVERY, ::EVERY] > 0]
    quiet = max(MIN_CONTRAST**2, float(np.percentile(inside, 25)) if inside.size else 1.0)
    variance += np.float32(quiet)
    centred /= np.sqrt(variance, out=variance)
    return np.asarray(np.clip(centred, -3.0, 3.0, out=centred), dtype=np.float32)


def _weighted(plane: Float, weight: Float | None) -> Float:
    return plane if weight is None else plane * weight


@lru_cache(4)
def _weights(height: int, width: int) -> tuple[Float, Float]:
    """Those of a picture that is valid everywhere: hundreds of windows of one size are."""
    return _weights_of(np.ones((height, width), np.float32))


def _weights_of(weight: Float) -> tuple[Float, Float]:
    """What the sums that blur, and those over the neighbourhood, are divided by."""
    return _soften(weight) + np.float32(1e-6), _surround(weight) + np.float32(1e-6)


def _soften(picture: Float) -> Float:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), BLUR_PX), dtype=np.float32)


def _surround(picture: Float) -> Float:
    """Mean over the neighbourhood, weighted like a tent: two box filters cost a tenth of a wide Gaussian."""
    size = (NEIGHBOURHOOD_PX, NEIGHBOURHOOD_PX)
    return np.asarray(cv2.blur(cv2.blur(picture, size), size), dtype=np.float32)
