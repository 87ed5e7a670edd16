"""ICC profiles: pixels from one colour space to another, by LittleCMS, at their own depth."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import imagecodecs
import numpy as np
from PIL import ImageCms

from deepfuse.color import Image, as_uint16

Space = Literal["srgb", "p3", "adobe-rgb", "prophoto", "rec2020"]

_RELATIVE_COLORIMETRIC = 1  # rendering intent, ICC.1:2022, 7.2.15
_EXACT = 0x0100  # cmsFLAGS_NOOPTIMIZE: in 16 bits, LittleCMS's own tables err by up to 20 of 255 in the dark
_SAME = 128  # of 65535: half a grey level of 8 bits
_PROBES = 9  # a channel, so 729 colours

_HELD = 1311  # of 65535, two hundredths: the red of Display P3 is a little outside of Rec. 2020
_NEUTRAL = 0.02
_MIDDLE = (0.4, 0.62)  # where half of the full value is seen on sRGB's scale: gamma 1.8 is at 0.57, linear at 0.74
_UNNAMED = "unnamed profile"
_CREATED = slice(24, 36)  # ICC.1:2022, 7.2.1: LittleCMS writes the time of day there


@dataclass(frozen=True)
class Profile:
    """The space that pixels are in (`icc`, empty for sRGB), and its name for the record.

    `space` is what RAW files are developed to; only the spaces with a name of their own have it. `warning` is there if
    a file's own was passed over.
    """

    name: str = ""
    icc: bytes = b""
    grey: bool = False
    space: Space | None = None
    warning: str = ""


NO_PROFILE = Profile()


@lru_cache(maxsize=64)
def profile_of(icc: bytes, *, grey: bool) -> Profile:
    """The profile embedded in a grey or RGB file.

    One that means sRGB is not converted. One that is damaged, or of another colour model, is passed over, as viewers
    do, and the name says so.
    """
    if not icc:
        return NO_PROFILE
    try:
        header = ImageCms.ImageCmsProfile(io.BytesIO(icc)).profile
        name = description(icc)
        if header.xcolor_space.strip() != ("GRAY" if grey else "RGB"):
            return _passed_over(f"{name}: for {header.xcolor_space.strip()}, taken as sRGB")
        return Profile(name) if _means_srgb(icc, grey) else Profile(name, icc, grey)
    except (OSError, ValueError, imagecodecs.CmsError):  # ValueError: a colour model that is no text
        return _passed_over("unreadable profile, taken as sRGB")


def _passed_over(why: str) -> Profile:
    return Profile(why, warning=f"its colour profile cannot be used: {why}")


def convert(pixels: Image, profile: Profile, target: Profile) -> Image:
    """Pixels (H, W, 1 or 3) of uint8, uint16 or float32 (0 to 1) in the target's space, (H, W, 1 or 3).

    Their dtype stays, but 8 bits brought to another space than sRGB become 16. Colours beyond the target are clipped
    (relative colorimetric).
    """
    if profile.icc == target.icc:
        return pixels
    pixels = as_uint16(pixels) if target.icc and pixels.dtype == np.uint8 else pixels
    grey = profile.grey and pixels.shape[2] == 1
    if pixels.shape[2] == 1 and not grey:
        pixels = np.repeat(pixels, 3, axis=2)
    converted = _convert(pixels[..., 0] if grey else pixels, profile.icc or _srgb(), target.icc or _srgb(), grey)
    return np.clip(converted, 0, 1) if converted.dtype == np.float32 else converted


def _convert(pixels: Image, icc: bytes, target: bytes, grey: bool) -> Image:
    converted: Image = imagecodecs.cms_transform(
        np.ascontiguousarray(pixels), icc, target,
        colorspace="gray" if grey else "rgb", outcolorspace="rgb",
        intent=_RELATIVE_COLORIMETRIC, flags=0 if pixels.dtype == np.uint8 else _EXACT,
    )  # fmt: skip
    return converted


@lru_cache(maxsize=64)
def holds(target: Profile, profile: Profile) -> bool:
    """Whether all colours of an RGB profile are there in another space: a grid comes back as it went.

    Of a scanner's profile, from which no way leads back, that is not known.
    """
    if not profile.icc or profile.icc == target.icc:
        return True
    there = _convert(_grid(), profile.icc, target.icc or _srgb(), grey=False)
    try:
        back = _convert(there, target.icc or _srgb(), profile.icc, grey=False)
    except imagecodecs.CmsError:
        return False
    return bool(np.abs(back.astype(int) - _grid()).max() <= _HELD)


@lru_cache(maxsize=64)
def is_display_like(profile: Profile) -> bool:
    """Whether equal values of R, G and B are grey, and their steps about even to the eye, as fusion expects.

    A picture can be in it only if colours can be brought there.
    """
    ramp: Any = np.repeat(np.linspace(0, 65535, 17).astype(np.uint16)[None, :, None], 3, axis=2)
    seen = _convert(ramp, profile.icc, _srgb(), grey=False).astype(float) / 65535
    least, most = _MIDDLE
    try:
        _convert(ramp, _srgb(), profile.icc, grey=False)
    except imagecodecs.CmsError:
        return False
    return bool(np.ptp(seen, axis=2).max() < _NEUTRAL and least < seen[0, 8].mean() < most)


def description(icc: bytes) -> str:
    """The name that a profile has."""
    try:
        return (ImageCms.ImageCmsProfile(io.BytesIO(icc)).profile.profile_description or "").strip() or _UNNAMED
    except (OSError, ValueError):  # ValueError: a name in an encoding that it must not have
        return _UNNAMED


def _grid() -> Any:
    steps = np.linspace(0, 65535, _PROBES).astype(np.uint16)
    return np.stack(np.meshgrid(steps, steps, steps), -1).reshape(1, -1, 3)


def _means_srgb(icc: bytes, grey: bool) -> bool:
    """Whether a grid of colours comes out as it went in."""
    probes = np.linspace(0, 65535, _PROBES).astype(np.uint16)[None] if grey else _grid()
    same = probes[..., None] if grey else probes
    return bool(np.abs(_convert(probes, icc, _srgb(), grey).astype(int) - same).max() <= _SAME)


@lru_cache
def _srgb() -> bytes:
    return bytes(imagecodecs.cms_profile("srgb"))


@lru_cache
def srgb_profile() -> bytes:
    """The ICC profile to embed in what this project writes; the same bytes at any time."""
    return stamped(_srgb())


def stamped(icc: bytes) -> bytes:
    """A profile that LittleCMS made, without the time of day."""
    profile = bytearray(icc)
    profile[_CREATED] = struct.pack(">6H", 2020, 1, 1, 0, 0, 0)
    return bytes(profile)
