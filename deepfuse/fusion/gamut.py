"""Colours that leave the range → colours within it, on the path that a camera takes as it opens up."""

from __future__ import annotations

import numpy as np

from deepfuse.color import LUMA, Float
from deepfuse.fusion.colour import CURVE_OFFSET, Colour, green_difference

SHOULDER = np.float32(0.95)  # channels bend from here on, so that highlights keep their gradation
TOP = np.float32(0.992)  # what a channel nears and, but for near-white luma, never reaches: 253 of 255
STEPS = 6  # of Newton's method, which nears the luma from below, one bend after the other
MOST_GAIN = np.float32(30)  # beyond it a colour has nothing that could still rise
_TINY = np.float32(1e-6)  # below any level of 16 bits: it only keeps a division from 0 / 0
Channels = tuple[Float, Float, Float]


def fitted(y: Float, colour: Colour) -> Channels:
    """R'G'B' planes (N,) of luma (N,) from 0 to 1 and of colour differences; the luma stays.

    Where a channel would fall below 0 the colour is reduced. Where one would near 1 it bends, and all are exposed more
    until the luma is right: so orange goes over yellow to white, as with a camera, and not over salmon.
    """
    blue, red = colour
    green = green_difference(blue, red)
    below = np.maximum(-np.minimum(np.minimum(blue, red), green), _TINY)
    share = np.minimum(y / below, 1, out=below)
    for plane in (result := (red * share, green * share, blue * share)):
        plane += y
    high = np.flatnonzero(np.maximum(np.maximum(result[0], result[1]), result[2]) > SHOULDER)
    if high.size:
        for plane, part in zip(result, _exposed_more(y[high], [plane[high] for plane in result]), strict=True):
            plane[high] = part
    return result


def _exposed_more(y: Float, channels: list[Float]) -> list[Float]:
    """Channels of that luma before they bend; after it they are of that luma again."""
    light = [plane + CURVE_OFFSET for plane in channels]
    gain = np.ones_like(y)
    for _ in range(STEPS):
        reached, slope = np.zeros_like(y), np.full_like(y, _TINY)
        for plane, share in zip(light, LUMA, strict=True):
            value, rise = _bent(plane * gain - CURVE_OFFSET)
            reached += share * value
            slope += share * rise * plane
        gain += np.maximum(y - reached, 0) / slope
        np.minimum(gain, MOST_GAIN, out=gain)
    bent = [_bent(plane * gain - CURVE_OFFSET)[0] for plane in light]
    missing = y - np.sum([share * plane for plane, share in zip(bent, LUMA, strict=True)], axis=0)
    missing /= np.maximum(1 - y + missing, _TINY)  # of what is left to white
    return [plane + (1 - plane) * missing for plane in bent]


def _bent(plane: Float) -> tuple[Float, Float]:
    """Values as they are up to the shoulder and bent towards the top beyond it, and the slope of that."""
    over = np.maximum(plane - SHOULDER, 0)
    left = (TOP - SHOULDER) / (TOP - SHOULDER + over)
    over *= left
    over += np.minimum(plane, SHOULDER)
    return over, left * left
