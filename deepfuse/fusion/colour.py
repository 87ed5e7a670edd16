"""The colours of the fused picture: planes of rows small enough to stay in the processor's cache."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import cv2
import numpy as np

from deepfuse.color import LUMA, Float, Image

Colour = tuple[Float, Float]  # B − Y and R − Y of R'G'B' from 0 to 1, in that order

WELL_EXPOSED_SIGMA = np.float32(0.2)  # of Mertens, Kautz, Van Reeth, "Exposure Fusion", 2007
# The others are this project's own; `exposed` says what they are for.
CLIPPING_SHOULDER = np.float32(0.1)  # a channel this far below the end of the range is trusted wholly
CLIPPED_TRUST = np.float32(0.1)  # what is left of the trust at the end of the range: some colour is better than none
NOISE_FLOOR = np.float32(0.25)  # luma above which noise does not matter
LARGEST_RATIO = np.float32(4.0)  # of lumas; chroma lifted further is the noise of the dark
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
    """The frames' chroma weighted by how far their exposure lets it be trusted.

    The paper's weights favour whichever frame is more colourful, also one whose colour is that of a clipped channel or
    of noise. Here a frame counts by its well-exposedness, less where a channel nears the end of the range and least
    in the dark. Where the fused luma is brighter than the frame's, chroma follows it half the way (in stops), for more
    would look garish where a dark frame is lifted far; where it is darker, three quarters, for less would push dark
    saturated colours against the end of the range.

    Args:
        frames: luma from 0 to 1 and colour differences of the K frames.
        fused: the fused luma.

    Source of the well-exposedness: Mertens, Kautz, Van Reeth, "Exposure Fusion", 2007 (σ = 0.2).
    """
    blues, reds, weights = np.zeros_like(fused), np.zeros_like(fused), np.zeros_like(fused)
    for y, (blue, red) in frames:
        weight = _trust(y, np.maximum(blue, red))
        weights += weight
        weight *= _follow(y, fused)
        blues += weight * blue
        reds += weight * red
    blues /= weights
    reds /= weights
    return blues, reds


def _trust(y: Float, above: Float) -> Float:
    """How far a frame's colour counts: `above` says how far blue or red exceed the luma."""
    weight = y - np.float32(0.5)
    weight *= weight
    weight *= np.float32(-0.5) / WELL_EXPOSED_SIGMA**2
    np.exp(weight, out=weight)
    unclipped = 1 - above
    unclipped -= y
    unclipped /= CLIPPING_SHOULDER
    weight *= np.clip(unclipped, CLIPPED_TRUST, 1, out=unclipped)
    above_noise = np.minimum(y / NOISE_FLOOR, 1)
    above_noise *= above_noise
    weight *= above_noise
    weight += _TINY
    return weight


def _follow(y: Float, fused: Float) -> Float:
    """The ratio of the fused luma to the frame's, to the power of ½, and of ¾ below one."""
    ratio = np.maximum(y, _TINY)
    np.divide(fused, ratio, out=ratio)
    np.minimum(ratio, LARGEST_RATIO, out=ratio)
    half = np.sqrt(ratio)
    ratio *= half
    np.sqrt(ratio, out=ratio)
    return np.minimum(half, ratio, out=half)


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
