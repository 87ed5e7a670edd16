"""Colours that leave the range → colours within it, on the path that a camera takes as it opens up."""

from __future__ import annotations

import cv2
import numpy as np

from deepfuse.color import LUMA, Float
from deepfuse.fusion.colour import CURVE_OFFSET, green_difference
from deepfuse.fusion.planes import Colour, at_most

SHOULDER = np.float32(0.95)  # channels bend from here on, so that highlights keep their gradation
TOP = np.float32(0.992)  # what a channel nears and, but for near-white luma, never reaches: 253 of 255
STEPS = 6  # of Newton's method, which nears the luma from below, one bend after the other
MOST_GAIN = np.float32(30)  # beyond it a colour has nothing that could still rise
_TINY = np.float32(1e-6)  # below any level of 16 bits: it only keeps a division from 0 / 0
Channels = tuple[Float, Float, Float]


def fitted(y: Float, colour: Colour) -> Channels:
    """R'G'B' planes of luma from 0 to 1 and of colour differences; the luma stays.

    Where a channel would fall below 0 the colour is reduced. Where one would near 1 it bends, and all are exposed more
    until the luma is right: so orange goes over yellow to white, as with a camera, and not over salmon.
    """
    blue, red = colour
    green = green_difference(blue, red)
    least = np.minimum(np.minimum(blue, red), green)
    if (y + least).min() < 0:
        at_most(least, -_TINY)
        share: Float = np.asarray(cv2.divide(y, least, dst=least, scale=-1), np.float32)
        at_most(share, np.float32(1))
        red, green, blue = red * share, green * share, blue * share
    result = red + y, green + y, blue + y
    largest = np.maximum(np.maximum(result[0], result[1]), result[2])
    if largest.max() > SHOULDER:
        high = np.flatnonzero(largest > SHOULDER)
        flat = [plane.reshape(-1) for plane in result]
        bent = _exposed_more(y.reshape(-1)[high], np.stack([plane[high] for plane in flat]))
        for plane, part in zip(flat, bent, strict=True):
            plane[high] = part
    return result


def _exposed_more(y: Float, channels: Float) -> Float:
    """Channels (3, N) of that luma before they bend; after it they are of that luma again."""
    light, weights = channels + CURVE_OFFSET, LUMA[:, None]
    weighted, gain = light * weights, np.ones_like(y)
    for _ in range(STEPS):
        value, rise = _bent(light * gain)
        value *= weights
        rise *= weighted
        slope = rise.sum(axis=0)
        slope += _TINY
        short = y - value.sum(axis=0)
        np.maximum(short, 0, out=short)
        short /= slope
        gain += short
        np.minimum(gain, MOST_GAIN, out=gain)
    bent, _ = _bent(light * gain)
    missing = y - (bent * weights).sum(axis=0)
    missing /= np.maximum(1 - y + missing, _TINY)  # of what is left to white
    bent += (1 - bent) * missing
    return bent


def _bent(light: Float) -> tuple[Float, Float]:
    """Values of light as they are up to the shoulder and bent towards the top beyond it, and the slope of that."""
    light -= CURVE_OFFSET
    over = np.maximum(light - SHOULDER, 0)
    left = (TOP - SHOULDER) / (TOP - SHOULDER + over)
    over *= left
    over += np.minimum(light, SHOULDER)
    left *= left
    return over, left
