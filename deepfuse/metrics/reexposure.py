"""What the same camera records at another exposure: the truth that the colours of a fused picture are held against."""

from __future__ import annotations

import numpy as np

from deepfuse.color import Float, from_linear, luma

HALVINGS = 24  # of the exposure's interval: to 2 millionths of a stop
STOPS = 20.0  # on both sides


def reexposed(radiance: Float, wanted: Float) -> Float:
    """The sRGB-encoded pixels (H, W, 3) of scene radiance at the exposures that give each a wanted luma.

    The camera is ideal: it multiplies light by the exposure, clips each channel at 1, and encodes as sRGB. Black
    radiance stays black.

    Args:
        radiance: linear Rec.709, (H, W, 3).
        wanted: luma (BT.601) from 0 to 1, (H, W).

    >>> orange = np.float32([[[0.2, 0.1, 0.02]]])
    >>> rgb = reexposed(orange, np.float32([[0.5]]))
    >>> round(float(luma(rgb)[0, 0]), 4), [round(float(value), 3) for value in rgb[0, 0]]
    (0.5, [0.654, 0.476, 0.217])
    """
    low, high = np.full(wanted.shape, -STOPS, np.float32), np.full(wanted.shape, STOPS, np.float32)
    for _ in range(HALVINGS):
        middle = np.asarray((low + high) / 2, np.float32)
        short = luma(_exposed(radiance, middle)) < wanted
        low, high = np.where(short, middle, low), np.where(short, high, middle)
    return _exposed(radiance, high)


def _exposed(radiance: Float, stops: Float) -> Float:
    return from_linear(np.minimum(radiance * np.exp2(stops)[..., None], 1))
