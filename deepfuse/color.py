"""Colour: number ranges, luma and chroma of sRGB-encoded RGB."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Image = NDArray[Any]
Float = NDArray[np.float32]
Mask = NDArray[np.uint8]

# BT.601 luma of R'G'B', the full-range YCbCr of JFIF (ITU-T T.871).
LUMA = np.array([0.299, 0.587, 0.114], np.float32)
_CHROMA_SCALE = np.float32(2.0) * (1 - LUMA[[2, 0]])
NEUTRAL_CHROMA = np.float32(0.5)
GAMMA = np.float32(2.2)
"""Encoded values to its power are light, near enough: sRGB without the straight piece near black (IEC 61966-2-1)."""


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
    """Float pixels clipped to 0..1 and rounded to `dtype` (uint8, uint16 or float32).

    >>> from_float(np.float32([0.5, 1.2]), np.dtype(np.uint8)).tolist()
    [128, 255]
    """
    clipped = np.clip(image, 0.0, 1.0)
    if dtype == np.float32:
        return clipped.astype(np.float32, copy=False)
    pixels: Image = np.rint(clipped * np.float32(np.iinfo(dtype).max)).astype(dtype)
    return pixels


def luma(rgb: Float) -> Float:
    """Luma Y' of sRGB-encoded RGB (..., 3) from 0 to 1: shape (...), 0 to 1 (BT.601).

    >>> round(float(luma(np.float32([1, 0.5, 0]))), 4)  # .299 + .5 · .587
    0.5925
    """
    return rgb @ LUMA


def as_uint16(image: Image) -> Image:
    """Pixels of uint8, uint16 or float32 (0 to 1) in 16 bits."""
    if image.dtype == np.uint8:
        return image.astype(np.uint16) * np.uint16(257)
    return image if image.dtype == np.uint16 else from_float(image, np.dtype(np.uint16))


def mean_luma(image: Image) -> float:
    """The mean luma of RGB pixels (H, W, 3) of uint8, uint16 or float32: 0 to 1.

    >>> round(mean_luma(np.full((2, 3, 3), 51, np.uint8)), 4)
    0.2
    """
    top = 1.0 if image.dtype.kind == "f" else float(np.iinfo(image.dtype).max)
    height, width, _ = image.shape
    means = image.sum(axis=0, dtype=np.float64).sum(axis=0) / (height * width * top)
    return float(means @ LUMA)


def rgb_to_ycbcr(rgb: Float) -> tuple[Float, Float]:
    """Luma (..., ) and chroma (..., 2) = Cb, Cr of RGB (..., 3); all from 0 to 1, neutral chroma is 0.5.

    >>> y, chroma = rgb_to_ycbcr(np.float32([1, 0, 0]))
    >>> round(float(y), 3), [round(float(value), 3) for value in chroma]
    (0.299, [0.331, 1.0])
    """
    y = luma(rgb)
    return y, (rgb[..., [2, 0]] - y[..., None]) / _CHROMA_SCALE + NEUTRAL_CHROMA


def to_linear(rgb: Float) -> Float:
    """Light from 0 to 1 of sRGB-encoded values (IEC 61966-2-1)."""
    return np.where(rgb <= 0.04045, rgb / 12.92, ((np.maximum(rgb, 0) + 0.055) / 1.055) ** 2.4).astype(np.float32)


def from_linear(light: Float) -> Float:
    """sRGB-encoded values of light from 0 to 1."""
    power = 1.055 * np.maximum(light, 1e-12) ** (1 / 2.4) - 0.055
    return np.where(light <= 0.0031308, 12.92 * light, power).astype(np.float32)
