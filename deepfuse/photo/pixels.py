"""A picture as a file stores it, and what is done with its pixels whatever the format."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from deepfuse.color import Image, Mask, check_range
from deepfuse.metadata.reading import NO_METADATA, Metadata
from deepfuse.photo.header import Depth
from deepfuse.photo.profiles import NO_PROFILE, Profile, convert

_HIDDEN = "its alpha hides the whole frame and is passed over: what it holds is taken as picture"
_OVERSHOOT = 0.25  # of the range of floats

Alpha = Literal["associated", "unassociated"]
"""Whether colours are stored times their alpha: TIFF 6.0, ExtraSamples. PNG's never are."""


@dataclass(frozen=True)
class Stored:
    """What a header says.

    `decode` reads the pixels while the file is open; `turned` says that it leaves them upright already. `alpha` is what
    a channel behind the colours means; `None` where it means nothing that is known. `warnings` are what the user should
    know of the file.
    """

    width: int
    height: int
    depth: Depth
    decode: Callable[[], Image]
    profile: Profile = NO_PROFILE
    turned: bool = False
    metadata: Metadata = NO_METADATA
    alpha: Alpha | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Decoded:
    """Pixels (H, W, 3), and where they are picture: (H, W), 1 or 0; `None` where all are.

    `warnings` are what the user should know of them.
    """

    pixels: Image
    valid: Mask | None = None
    warnings: tuple[str, ...] = ()


def depth_of(dtype: np.dtype[np.generic]) -> Depth:
    """The depth of pixels that come out as `dtype`."""
    if dtype.kind == "f":
        return "float"
    return "8-bit" if dtype.itemsize == 1 else "16-bit"


def full_range(pixels: Image, bits: int) -> Image:
    """Integers of so many bits, up to 16, in 16.

    >>> full_range(np.array([0, 2048, 4095], np.uint16), 12).tolist()
    [0, 32776, 65535]
    """
    top = 2**bits - 1
    scaled: Image = ((pixels.astype(np.uint32) * 65535 + top // 2) // top).astype(np.uint16)
    return scaled


def shown(pixels: Image, alpha: Alpha | None) -> Decoded:
    """Pixels (H, W, 1 to 4) with colours not times their alpha, and where that is half or more.

    An alpha that shows nothing at all is none, with a warning: programs leave it empty.
    """
    if pixels.ndim != 3 or pixels.shape[2] not in (2, 4) or alpha is None:
        return Decoded(pixels)
    opacity = pixels[..., -1]
    top = 1.0 if opacity.dtype.kind == "f" else np.iinfo(opacity.dtype).max
    valid = (opacity >= top / 2).astype(np.uint8)
    if not valid.any():
        return Decoded(pixels, warnings=(_HIDDEN,))
    partly = (valid > 0) & (opacity < top)
    if alpha == "associated" and partly.any():
        pixels = pixels.copy()
        restored = np.minimum(pixels[partly, :-1] * (top / opacity[partly].astype(float))[:, None], top)
        pixels[partly, :-1] = restored if pixels.dtype.kind == "f" else np.rint(restored)
    return Decoded(pixels, None if valid.all() else valid)


def in_range(pixels: Image) -> tuple[Image, tuple[str, ...]]:
    """Pixels (H, W) or (H, W, 1 to 4), floats clipped to 0..1 where they are a little outside, with a warning.

    Resampling and sharpening overshoot by so much; what goes further is light, and no exposure of it.

    Raises:
        ValueError: floats far outside of 0..1, NaN or infinite.
    """
    if pixels.dtype.kind != "f" or not pixels.size:
        return pixels, ()
    colour = pixels if pixels.ndim < 3 or pixels.shape[2] in (1, 3) else pixels[..., :-1]
    least, most = float(colour.min()), float(colour.max())
    if least >= 0 and most <= 1:
        return pixels, ()
    if not (least >= -_OVERSHOOT and most <= 1 + _OVERSHOOT):
        got = f"{least:g} to {most:g}"
        radiance = math.isfinite(most) and most > 1 + _OVERSHOOT
        raise ValueError(f"expected float pixels from 0 to 1, got {got}{': a radiance map' if radiance else ''}")
    return pixels.clip(0, 1), (f"its pixels go from {least:.3g} to {most:.3g} and are clipped to 0 to 1",)


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


def upright_crop(crop: tuple[slice, slice], size: tuple[int, int], orientation: int) -> tuple[slice, slice]:
    """The rows and columns of an upright picture, of this height and width, that are a crop of the stored one.

    >>> upright_crop((slice(0, 1), slice(0, 5)), (9, 4), 6)  # a quarter turn to the right
    (slice(0, 5, None), slice(3, 4, None))
    """
    height, width = size
    rows, columns = reversed(crop) if orientation in (5, 6, 7, 8) else crop
    if orientation in (2, 3, 6, 7):
        columns = slice(width - columns.stop, width - columns.start)
    if orientation in (3, 4, 7, 8):
        rows = slice(height - rows.stop, height - rows.start)
    return rows, columns
