"""Whether two exposures show the same structure: the correlation of their windows, which exposure hardly changes."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from deepfuse.color import Float, luma

WINDOW_PX = 11  # as in MEF-SSIM
STEADY = np.float32(0.03**2)  # as in MEF-SSIM, of values from 0 to 1: keeps flat windows from counting
LEAST = 0.03  # standard deviation in a window that is more than noise
BLACK = 0.05  # mean luma of a window below which noise is most of it
CLIPPED, FEW = 0.95, 0.1  # a channel beyond bends luma, which then says nothing; share of a window that may
UNLIKE = 0.4  # correlation below which two windows show different things


@dataclass(frozen=True)
class Structure:
    """A luma plane from 0 to 1, what the window round each pixel has of it, and where windows tell; (H, W) each.

    Windows tell that hold more than noise and are neither nearly black nor clipped in a channel.
    """

    plane: Float
    mean: Float
    deviation: Float
    tells: NDArray[np.bool_]


def structure_of(picture: Float) -> Structure:
    """The structure of an sRGB-encoded picture (H, W, 3) from 0 to 1."""
    plane = luma(picture)
    mean = _mean(plane)
    deviation = np.asarray(np.sqrt(np.maximum(_mean(plane * plane) - mean * mean, 0)), np.float32)
    red, green, blue = cv2.split(picture)
    clipped = _mean((np.maximum(np.maximum(red, green), blue) > CLIPPED).astype(np.float32))
    return Structure(plane, mean, deviation, (mean > BLACK) & (clipped < FEW) & (deviation > LEAST))


def likeness(one: Structure, other: Structure) -> Float:
    """The correlation of two structures in each window (H, W), -1 to 1; 1 where both are flat.

    Source: the structure term of SSIM, Wang et al. 2004, doi:10.1109/TIP.2003.819861.
    """
    covariance = _mean(one.plane * other.plane) - one.mean * other.mean
    return np.asarray((covariance + STEADY) / (one.deviation * other.deviation + STEADY), np.float32)


def unlike(one: Structure, other: Structure) -> NDArray[np.bool_]:
    """Where two exposures show different things, (H, W): both tell, and do not correlate."""
    telling = one.tells & other.tells
    return np.asarray(telling & (likeness(one, other) < UNLIKE)) if telling.any() else telling


def _mean(plane: Float) -> Float:
    return np.asarray(cv2.blur(plane, (WINDOW_PX, WINDOW_PX)), np.float32)
