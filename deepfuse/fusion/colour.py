"""The colours of the fused picture: planes of rows small enough to stay in the processor's cache."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import cv2
import numpy as np

from deepfuse.color import LUMA, Float, Image

Colour = tuple[Float, Float]  # B − Y and R − Y of R'G'B' from 0 to 1, in that order

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
_RED, _GREEN, _BLUE = LUMA
_TINY = np.float32(1e-6)  # below any level of 16 bits: it only keeps a division from 0 / 0


def luma_plane(pixels: Image) -> Float:
    """Luma (H, W) from 0 to 1 of R'G'B' pixels (H, W, 3), uint8, uint16 or float32; no pixel depends on another."""
    return _luma(*_split(pixels), pixels.dtype)


def colour_planes(pixels: Image) -> tuple[Float, Colour]:
    """Luma (H, W) and the colour differences, two of (H, W), of R'G'B' pixels (H, W, 3)."""
    red, green, blue = _split(pixels)
    y = _luma(red, green, blue, pixels.dtype)
    scale = _unit(pixels.dtype)
    blue, red = blue * scale, red * scale
    blue -= y
    red -= y
    return y, (blue, red)


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


def exposed(frames: Iterable[tuple[Float, Colour]], fused: Float) -> Colour:
    """The colour that the camera would record at the exposure that gives the fused luma; it may leave 0..1.

    A pixel's exposures lie on a path from black to white. Each frame that holds its colour leads to the point wanted:
    its channels gain in linear light, which multiplies them as encoded. The frames' answers are averaged, so no seam
    shows where one passes to the next: a frame counts by how near its luma is, less as it clips or drowns in noise.
    What a frame clips is right all the same where the fused luma is its own, or brighter. `fitted` brings what leaves
    the range back as a camera clips.

    Args:
        frames: luma from 0 to 1 and colour differences of the K frames.
        fused: the fused luma.
    """
    blues, reds, weights = np.zeros_like(fused), np.zeros_like(fused), np.zeros_like(fused)
    wanted = fused + CURVE_OFFSET
    for y, (blue, red) in frames:
        gain = wanted / (y + CURVE_OFFSET)
        weight = _trust(y, blue, red, gain)
        weights += weight
        weight *= _restrained(gain, blue, red)
        blues += weight * blue
        reds += weight * red
    blues /= weights
    reds /= weights
    return blues, reds


def green_difference(blue: Float, red: Float) -> Float:
    """G − Y of the other two colour differences: their luma is nought."""
    green: Float = blue * (-_BLUE / _GREEN)
    green -= red * (_RED / _GREEN)
    return green


def _trust(y: Float, blue: Float, red: Float, gain: Float) -> Float:
    """How far a frame's colour counts."""
    green = green_difference(blue, red)
    largest, smallest = np.maximum(blue, red), np.minimum(blue, red)
    np.maximum(largest, green, out=largest)
    np.minimum(smallest, green, out=smallest)
    largest += y
    smallest += y
    held = _rising(CLIPPED - largest, CLIPPED - UNCLIPPED)
    right = _rising(gain - (1 - NEAR), NEAR)
    right *= _rising(CLIPPED - smallest, WHITE_BELOW)
    np.maximum(right, LOST_TRUST, out=right)
    right *= 1 - held
    held += right
    held *= np.square(np.minimum(gain, 1 / gain))
    light = np.square(np.square(y))
    held *= light
    held /= light + NOISE**4
    held += _TINY
    return held


def _rising(plane: Float, width: np.float32) -> Float:
    """From 0 at 0 to 1 at `width`, smoothly."""
    t = np.clip(plane / width, 0, 1)
    return np.asarray(t * t * (3 - 2 * t))


def _restrained(gain: Float, blue: Float, red: Float) -> Float:
    """The gain of a frame's colour: less where it is strong and brightened far."""
    strong = gain * np.maximum(np.abs(blue), np.abs(red))
    strong *= strong
    lifted = np.clip((gain - 1) / 2, 0, 1)
    lifted *= strong
    lifted *= GARISH
    lifted += 1
    return np.asarray(gain / lifted, np.float32)


def _split(pixels: Image) -> tuple[Image, Image, Image]:
    red, green, blue = cv2.split(np.ascontiguousarray(pixels))
    return red, green, blue


def _luma(red: Image, green: Image, blue: Image, dtype: np.dtype[Any]) -> Float:
    scale = _unit(dtype)
    y: Float = np.multiply(red, _RED * scale, dtype=np.float32)
    y += green * (_GREEN * scale)
    y += blue * (_BLUE * scale)
    return y


def _unit(dtype: np.dtype[Any]) -> np.float32:
    return np.float32(1.0) if dtype == np.float32 else np.float32(1.0 / np.iinfo(dtype).max)
