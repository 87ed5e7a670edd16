"""A picture as a file stores it, and what is done with its pixels whatever the format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from deepfuse.color import Image, check_range
from deepfuse.metadata.reading import NO_METADATA, Metadata
from deepfuse.photo.header import Depth
from deepfuse.photo.profiles import NO_PROFILE, Profile, convert


@dataclass(frozen=True)
class Stored:
    """What a header says.

    `decode` reads the pixels while the file is open; `turned` says that it leaves them upright already.
    """

    width: int
    height: int
    depth: Depth
    decode: Callable[[], Image]
    profile: Profile = NO_PROFILE
    turned: bool = False
    metadata: Metadata = NO_METADATA


def depth_of(dtype: np.dtype[np.generic]) -> Depth:
    """The depth of pixels that come out as `dtype`."""
    if dtype.kind == "f":
        return "float"
    return "8-bit" if dtype.itemsize == 1 else "16-bit"


def as_rgb(pixels: Image, profile: Profile = NO_PROFILE, target: Profile = NO_PROFILE) -> Image:
    """Pixels (H, W, 3) in the target's space.

    Grey becomes RGB, an alpha channel is dropped, float16 and float64 become float32.
    """
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    if pixels.ndim != 3 or pixels.shape[2] not in (1, 2, 3, 4):
        raise ValueError(f"expected grey or RGB pixels, got an array of {pixels.shape}")
    colour = pixels[..., : 1 if pixels.shape[2] < 3 else 3]
    colour = colour.astype(np.float32) if colour.dtype in (np.float16, np.float64) else colour
    check_range(colour)
    converted = convert(colour, profile, target)
    return np.broadcast_to(converted, (*converted.shape[:2], 3))


def upright(image: Image, orientation: int) -> Image:
    """Undo an EXIF orientation, 1 to 8."""
    if orientation in (5, 6, 7, 8):
        image = image.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        image = image[:, ::-1]
    if orientation in (3, 4, 7, 8):
        image = image[::-1]
    return np.ascontiguousarray(image)
