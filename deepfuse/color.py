"""Colour: number ranges, sRGB-encoded RGB ↔ YCbCr, and the paper's chroma fusion."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Image = NDArray[Any]
Float = NDArray[np.float32]

# BT.601 luma of R'G'B', the full-range YCbCr of JFIF (ITU-T T.871).
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
_CHROMA_SCALE = np.float32(2.0) * (1 - _LUMA[[2, 0]])
NEUTRAL = np.float32(0.5)
_TINY = np.float32(1e-6)

WELL_EXPOSED_SIGMA = np.float32(0.2)
CLIPPING_SHOULDER = np.float32(0.1)  # a channel this far below the end of the range is trusted wholly
CLIPPED_TRUST = np.float32(0.1)
NOISE_FLOOR = np.float32(0.25)  # luma above which noise does not matter
LARGEST_RATIO = np.float32(4.0)


def check_range(image: Image) -> None:
    """Make sure that pixels are of a dtype and range this project works in.

    Raises:
        TypeError: for a dtype other than uint8, uint16 and float32.
        ValueError: float pixels outside 0..1, NaN or infinite.
    """
    if image.dtype not in (np.uint8, np.uint16, np.float32):
        raise TypeError(f"expected uint8, uint16 or float32 pixels, got {image.dtype}")
    if image.dtype == np.float32 and image.size and not (image.min() >= 0 and image.max() <= 1):
        raise ValueError(f"expected float pixels from 0 to 1, got {image.min():g} to {image.max():g}")


def to_float(image: Image) -> Float:
    """Pixels of uint8, uint16 or float32 (0 to 1) as float32 from 0 to 1.

    Raises:
        TypeError: for any other dtype.
    """
    if image.dtype == np.float32:
        return image.astype(np.float32, copy=False)
    if image.dtype not in (np.uint8, np.uint16):
        raise TypeError(f"expected uint8, uint16 or float32 pixels, got {image.dtype}")
    return image.astype(np.float32) * np.float32(1.0 / np.iinfo(image.dtype).max)


def from_float(image: Float, dtype: np.dtype[Any]) -> Image:
    """Float pixels clipped to 0..1 and rounded to `dtype` (uint8, uint16 or float32)."""
    clipped = np.clip(image, 0.0, 1.0)
    if dtype == np.float32:
        return clipped.astype(np.float32, copy=False)
    pixels: Image = np.rint(clipped * np.float32(np.iinfo(dtype).max)).astype(dtype)
    return pixels


def luma(rgb: Float) -> Float:
    """Luma Y' of sRGB-encoded RGB (..., 3) from 0 to 1: shape (...), 0 to 1 (BT.601)."""
    return rgb @ _LUMA


def as_uint16(image: Image) -> Image:
    """Pixels of uint8, uint16 or float32 (0 to 1) in 16 bits."""
    if image.dtype == np.uint8:
        return image.astype(np.uint16) * np.uint16(257)
    return image if image.dtype == np.uint16 else from_float(image, np.dtype(np.uint16))


def mean_luma(image: Image) -> float:
    """The mean luma of RGB pixels (H, W, 3) of uint8, uint16 or float32: 0 to 1."""
    top = 1.0 if image.dtype.kind == "f" else float(np.iinfo(image.dtype).max)
    height, width, _ = image.shape
    means = image.sum(axis=0, dtype=np.float64).sum(axis=0) / (height * width * top)
    return float(means @ _LUMA)


def rgb_to_ycbcr(rgb: Float) -> tuple[Float, Float]:
    """Luma (..., ) and chroma (..., 2) = Cb, Cr of RGB (..., 3); all from 0 to 1, neutral chroma is 0.5."""
    y = luma(rgb)
    return y, (rgb[..., [2, 0]] - y[..., None]) / _CHROMA_SCALE + NEUTRAL


def ycbcr_to_rgb(y: Float, chroma: Float) -> Float:
    """The inverse of `rgb_to_ycbcr`; where the colour does not fit 0..1 at that luma, as much of it as fits."""
    blue_red = (chroma - NEUTRAL) * _CHROMA_SCALE
    green = -(blue_red @ _LUMA[[2, 0]]) / _LUMA[1]
    offset = np.stack([blue_red[..., 1], green, blue_red[..., 0]], axis=-1)  # of each channel from the luma
    above, below = np.maximum(offset.max(-1), _TINY), np.maximum(-offset.min(-1), _TINY)
    share = np.minimum(np.minimum((1 - y) / above, y / below), 1)
    rgb: Float = y[..., None] + offset * share[..., None]
    return rgb


def saturated_chroma(chromas: Iterable[Float]) -> Float:
    """Chroma of the fused picture: the mean of the frames' chroma weighted by its distance from neutral.

    Args:
        chromas: K arrays (..., 2) from 0 to 1; one at a time is held.

    Returns:
        (..., 2); neutral where every frame is neutral.

    Source: Prabhakar et al., ICCV 2017, equation 1, for any number of frames.
    """
    offsets, weights = np.float32(0), np.float32(0)
    for chroma in chromas:
        offset = chroma - NEUTRAL
        weight = np.abs(offset)
        offsets = offsets + weight * offset
        weights = weights + weight
    return NEUTRAL + np.divide(offsets, weights, out=np.zeros_like(offsets), where=weights > 0)


def exposed_chroma(frames: Iterable[tuple[Float, Float]], fused: Float) -> Float:
    """Chroma of the fused picture: the frames' chroma weighted by how far their exposure lets it be trusted.

    The paper's weights favour whichever frame is more colourful, also one whose colour is that of a clipped channel or
    of noise. Here a frame counts by its well-exposedness, less where a channel nears the end of the range and least
    in the dark. Where the fused luma is brighter than the frame's, chroma follows it half the way (in stops), for more
    would look garish where a dark frame is lifted far; where it is darker, three quarters, for less would push dark
    saturated colours against the end of the range.

    Args:
        frames: luma (H, W) and chroma (H, W, 2) of the K frames, from 0 to 1; one at a time is held.
        fused: the fused luma (H, W).

    Returns:
        (H, W, 2).

    Source of the well-exposedness: Mertens, Kautz, Van Reeth, "Exposure Fusion", 2007 (σ = 0.2).
    """
    offsets, weights = np.zeros(1, np.float32), np.zeros(1, np.float32)
    for y, chroma in frames:
        offset = chroma - NEUTRAL
        brightest = y + (offset * _CHROMA_SCALE).max(-1)
        unclipped = np.clip((1 - brightest) / CLIPPING_SHOULDER, CLIPPED_TRUST, 1)
        above_noise = np.minimum(y / NOISE_FLOOR, 1) ** 2
        weight = np.exp(-((y - 0.5) ** 2) / (2 * WELL_EXPOSED_SIGMA**2)) * unclipped * above_noise + _TINY
        ratio = np.minimum(fused / np.maximum(y, _TINY), LARGEST_RATIO)
        half = np.sqrt(ratio)
        follow = np.minimum(half, np.sqrt(ratio * half))  # to the power of 1/2, and of 3/4 below one
        offsets = offsets + (weight * follow)[..., None] * offset
        weights = weights + weight[..., None]
    return NEUTRAL + offsets / weights
