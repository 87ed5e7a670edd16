"""The colours of the fused picture."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any

import cv2
import numpy as np

from deepfuse.color import LUMA, Float, Image
from deepfuse.fusion.planes import Colour, Shown, at_most, unit

CURVE_OFFSET = np.float32(0.055)
"""Of sRGB (IEC 61966-2-1): but near black, encoded values are a power of light less this, so that exposure multiplies
what they are plus it. To let that hold down to black is to take some light for stray: 2.7 levels of 255."""
# The others are this project's own, judged by the truth of simulated brackets and by eye; `exposed` says what for.
CLIPPED, UNCLIPPED = (
    np.float32(0.99),
    np.float32(0.69),
)  # largest channel at which colour is lost, and below which whole
LOST_TRUST = np.float32(0.025)  # what is left of a clipped colour: it keeps a noisy dark frame from being garish
NEAR = np.float32(0.35)  # by how much of its luma a frame may be darkened until what it clips makes it wrong
WHITE_BELOW = np.float32(0.4)  # of a clipped frame's smallest channel below clipping: what is white tells no colour
NOISE = np.float32(22 / 255)  # luma below which noise and rounding decide the colour
GARISH = np.float32(0.4)  # how far colours that are strong already are held back as they are brightened
FEW = 0.1  # of the pixels: so few are looked at alone
_RED, _GREEN, _BLUE = LUMA
_TINY = np.float32(1e-20)  # below the trust of any level of 16 bits: it only keeps a division from 0 / 0


def saturated(colours: Iterable[Colour]) -> Colour:
    """The mean of the frames' chroma weighted by its distance from neutral; neutral where every frame is.

    Source: Prabhakar et al., ICCV 2017, equation 1, for any number of frames.
    """
    blues, reds = zip(*colours, strict=True)
    return _saturated(blues), _saturated(reds)


def _saturated(differences: Sequence[Float]) -> Float:
    weights: list[Float] = [np.abs(difference) for difference in differences]
    total = np.sum(weights, axis=0)
    weighted = np.sum([w * d for w, d in zip(weights, differences, strict=True)], axis=0)
    mean: Float = np.divide(weighted, total, out=np.zeros_like(total), where=total > 0)
    return mean


def exposed(frames: Iterable[Shown], fused: Float) -> Colour:
    """The colour that the camera would record at the exposure that gives the fused luma; it may leave 0..1.

    A pixel's exposures lie on a path from black to white. Each frame that holds its colour leads to the point wanted:
    its channels gain in linear light, which multiplies them as encoded. The frames' answers are averaged, so no seam
    shows where one passes to the next: a frame counts by how near its luma is, less as it clips or drowns in noise.
    What a frame clips is right all the same where the fused luma is its own, or brighter. `fitted` brings what leaves
    the range back as a camera clips.

    Args:
        frames: what each of the K frames shows.
        fused: the fused luma.
    """
    blues, reds, weights = np.zeros_like(fused), np.zeros_like(fused), np.full_like(fused, _TINY)
    wanted = fused + CURVE_OFFSET
    for frame in frames:
        blue, red = frame.colour
        gain = wanted / (frame.y + CURVE_OFFSET)
        squared = np.square(gain)
        weight = _trust(frame, gain, squared)
        weights += weight
        weight *= gain
        weight /= _restraint(gain, squared, blue, red)
        cv2.accumulateProduct(weight, blue, blues)
        cv2.accumulateProduct(weight, red, reds)
    blues /= weights
    reds /= weights
    return blues, reds


def green_difference(blue: Float, red: Float) -> Float:
    """G − Y of the other two colour differences (H, W): their luma is nought."""
    return np.asarray(cv2.addWeighted(blue, float(-_BLUE / _GREEN), red, float(-_RED / _GREEN), 0), np.float32)


def _trust(frame: Shown, gain: Float, squared: Float) -> Float:
    """How far a frame's colour counts."""
    trust: Float = np.minimum(squared, 1 / squared)
    light: Float = np.square(frame.y)
    light *= light
    trust *= light
    light += NOISE**4
    trust /= light
    clips = frame.largest > frame.largest.dtype.type(UNCLIPPED / unit(frame.largest.dtype))
    planes, count = (trust, gain, frame.largest, frame.smallest), np.count_nonzero(clips)
    if count > FEW * trust.size:
        _count_less(*planes)
    elif count:
        clipping = np.flatnonzero(clips)
        few = [plane.reshape(1, -1)[:, clipping] for plane in planes]
        _count_less(*few)
        trust.reshape(-1)[clipping] = few[0]
    return trust


def _count_less(trust: Float, gain: Float, largest: Image, smallest: Image) -> None:
    """Trust a frame's colour less for what it clips."""
    wrong = _rising(gain, 1 - NEAR, NEAR)
    wrong *= _of_channel(smallest, _coloured)
    np.subtract(1, wrong, out=wrong)
    at_most(wrong, 1 - LOST_TRUST)
    wrong *= _of_channel(largest, _lost)
    np.subtract(1, wrong, out=wrong)
    trust *= wrong


def _lost(largest: Float) -> Float:
    """How far a colour is lost to clipping, by its largest channel."""
    return _rising(largest, UNCLIPPED, CLIPPED - UNCLIPPED)


def _coloured(smallest: Float) -> Float:
    """How far a clipped colour is other than white, by its smallest channel."""
    return 1 - _rising(smallest, CLIPPED - WHITE_BELOW, WHITE_BELOW)


def _of_channel(plane: Image, function: Callable[[Float], Float]) -> Float:
    """A function of a channel from 0 to 1, looked up where its values are integers."""
    if plane.dtype == np.float32:
        return function(plane)
    return np.asarray(cv2.LUT(plane, _table(function, plane.dtype)), np.float32)


@cache
def _table(function: Callable[[Float], Float], dtype: np.dtype[Any]) -> Float:
    return function(np.arange(np.iinfo(dtype).max + 1, dtype=np.float32)[None] * unit(dtype))


def _rising(plane: Float, start: np.float32, width: np.float32) -> Float:
    """From 0 at `start` to 1 that far beyond it, smoothly."""
    t: Float = plane * (1 / width)
    t -= start / width
    np.clip(t, 0, 1, out=t)
    rest = 3 - 2 * t
    t *= t
    t *= rest
    return t


def _restraint(gain: Float, squared: Float, blue: Float, red: Float) -> Float:
    """What a frame's gain is divided by: more than 1 where its colour is strong and brightened far."""
    strong: Float = np.maximum(np.square(blue), np.square(red))
    strong *= squared
    strong *= GARISH / 2
    lifted: Float = np.clip(gain, 1, 3)
    lifted -= 1
    lifted *= strong
    lifted += 1
    return lifted
