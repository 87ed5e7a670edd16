"""Warmer or cooler: greys move along the daylight locus, and luma stays."""

from __future__ import annotations

import numpy as np

from deepfuse.color import GAMMA, LUMA, Float
from deepfuse.photo.balance import XYZ_TO_SRGB, white_point

WHITE_MIRED = 1e6 / 6504  # of D65, the white of sRGB
_RED, _GREEN, _BLUE = LUMA
_TINY = np.float32(1e-6)  # below any level of 16 bits: it only keeps a division from 0 / 0


def warmed(planes: tuple[Float, Float, Float], mired: float) -> tuple[Float, Float, Float]:
    """R'G'B' planes in a light that is warmer by so many mireds, of the same luma.

    Channels are multiplied, and each pixel is scaled back to its luma. Where a channel would exceed 1, the colour is
    reduced towards grey at that luma: white stays white.

    Args:
        planes: red, green and blue from 0 to 1.
        mired: the shift, −90 to 90; below 0 it gets cooler.
    """
    before = _luma(*planes)
    red, green, blue = (plane * gain for plane, gain in zip(planes, gains(mired), strict=True))
    scale = np.maximum(_luma(red, green, blue), _TINY)
    np.divide(before, scale, out=scale)
    for plane in (red, green, blue):
        plane *= scale
    above = np.maximum(np.maximum(red, green), blue)
    above -= before
    share = np.minimum((1 - before) / np.maximum(above, _TINY), 1)
    for plane in (red, green, blue):
        plane -= before
        plane *= share
        plane += before
    return red, green, blue


def gains(mired: float) -> Float:
    """What encoded red, green and blue are multiplied by, up to a common factor, so that grey becomes that light.

    >>> [round(float(gain), 3) for gain in gains(50) / gains(50)[1]]
    [1.097, 1.0, 0.862]
    """
    seen, white = (XYZ_TO_SRGB @ white_point(1e6 / light) for light in (WHITE_MIRED + mired, WHITE_MIRED))
    return np.asarray((seen / white) ** (1 / float(GAMMA)), np.float32)


def _luma(red: Float, green: Float, blue: Float) -> Float:
    y: Float = red * _RED
    y += green * _GREEN
    y += blue * _BLUE
    return y
