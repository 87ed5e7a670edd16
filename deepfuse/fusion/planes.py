"""R'G'B' pixels → planes of luma and colour, and back: in pieces that stay in the cache of one core."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import cv2
import numpy as np

from deepfuse.color import LUMA, Float, Image

Colour = tuple[Float, Float]  # B − Y and R − Y of R'G'B' from 0 to 1, in that order

PIECE_PX = 2**16
"""Worked on at once: eight planes of so many floats are 2 MB; smaller pieces cost more calls than they save."""
_DEPTHS = {np.dtype(np.uint8): cv2.CV_8U, np.dtype(np.uint16): cv2.CV_16U}


@dataclass(frozen=True, eq=False)
class Shown:
    """What a frame shows at some pixels: planes of one shape.

    Attributes:
        y: luma from 0 to 1.
        colour: the colour differences.
        largest: the largest channel, as the frame has it.
        smallest: the smallest one.
    """

    y: Float
    colour: Colour
    largest: Image
    smallest: Image


def pieces(picture: Image) -> Iterator[slice]:
    """The rows of a picture (H, W, ...), a few at a time."""
    height, width = picture.shape[:2]
    count = max(PIECE_PX // width, 1)
    for top in range(0, height, count):
        yield slice(top, min(top + count, height))


def luma_plane(pixels: Image) -> Float:
    """Luma (H, W) from 0 to 1 of R'G'B' pixels (H, W, 3), uint8, uint16 or float32; no pixel depends on another."""
    y, weights = np.empty(pixels.shape[:2], np.float32), LUMA[None] * unit(pixels.dtype)
    for rows in pieces(pixels):
        cv2.transform(pixels[rows].astype(np.float32, copy=False), weights, dst=y[rows])
    return y


def shown_by(pixels: Image) -> Shown:
    """What pixels (H, W, 3) show, uint8, uint16 or float32."""
    y, scale = luma_plane(pixels), unit(pixels.dtype)
    red, green, blue = channels = [np.empty(y.shape, pixels.dtype) for _ in range(3)]
    cv2.split(pixels, channels)  # four times as fast as into planes that it allocates
    return Shown(
        y,
        (_difference(blue, scale, y), _difference(red, scale, y)),
        np.maximum(np.maximum(red, green), blue),
        np.minimum(np.minimum(red, green), blue),
    )


def _difference(channel: Image, scale: np.float32, y: Float) -> Float:
    return np.asarray(cv2.addWeighted(channel, float(scale), y, -1, 0, dtype=cv2.CV_32F), np.float32)


def at_most(plane: Float, top: np.float32) -> None:
    """Bring what is more down to `top`, in place: in half of numpy's time."""
    cv2.threshold(plane, float(top), 0, cv2.THRESH_TRUNC, dst=plane)


@cache
def unit(dtype: np.dtype[Any]) -> np.float32:
    """What values of this dtype are multiplied by to be from 0 to 1."""
    return np.float32(1.0) if dtype == np.float32 else np.float32(1.0 / np.iinfo(dtype).max)


def store(planes: Sequence[Float], pixels: Image) -> None:
    """Write planes of red, green and blue (H, W) into pixels (H, W, 3), clipped to 0..1 and rounded to their dtype."""
    cv2.merge([_stored(plane, pixels.dtype) for plane in planes], dst=pixels)


def _stored(plane: Float, dtype: np.dtype[Any]) -> Image:
    if dtype == np.float32:
        return np.clip(plane, 0, 1)
    # OpenCV saturates as it rounds.
    return np.asarray(cv2.addWeighted(plane, float(np.iinfo(dtype).max), plane, 0, 0, dtype=_DEPTHS[dtype]), dtype)
