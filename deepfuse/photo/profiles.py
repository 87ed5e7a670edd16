"""ICC profiles: pixels of other colour spaces to sRGB, by LittleCMS, at their own depth."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import imagecodecs
import numpy as np
from PIL import ImageCms

from deepfuse.color import Image

_RELATIVE_COLORIMETRIC = 1  # rendering intent, ICC.1:2022, 7.2.15
_EXACT = 0x0100  # cmsFLAGS_NOOPTIMIZE: in 16 bits, LittleCMS's own tables err by up to 20 of 255 in the dark
_SAME = 128  # of 65535: half a grey level of 8 bits
_PROBES = 9  # a channel, so 729 colours

_D65 = [0.3127, 0.3290, 1.0]  # ITU-R BT.709-6, item 1.4
_P3 = [0.680, 0.320, 1.0, 0.265, 0.690, 1.0, 0.150, 0.060, 1.0]  # SMPTE EG 432-1
_CURVE_POINTS = 4096  # linear between them: errors below a level of 16 bits
_CREATED = slice(24, 36)  # ICC.1:2022, 7.2.1: LittleCMS writes the time of day there


@dataclass(frozen=True)
class Profile:
    """What the pixels must be converted from (`icc`, empty if they are sRGB already), and its name for the record."""

    name: str = ""
    icc: bytes = b""


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
        name = (header.profile_description or "unnamed profile").strip()
        if header.xcolor_space.strip() != ("GRAY" if grey else "RGB"):
            return Profile(f"{name}: for {header.xcolor_space.strip()}, taken as sRGB")
        return Profile(name) if _means_srgb(icc, grey) else Profile(name, icc)
    except (OSError, imagecodecs.CmsError):
        return Profile("unreadable profile, taken as sRGB")


@lru_cache
def adobe_rgb() -> Profile:
    """Adobe RGB (1998), for cameras that only say so in EXIF."""
    return Profile("Adobe RGB (1998), by EXIF", bytes(imagecodecs.cms_profile("adobergb")))


@lru_cache
def display_p3() -> Profile:
    """Display P3, for HEIC files that only name its primaries."""
    encoded = np.linspace(0, 1, _CURVE_POINTS, dtype=np.float32)
    curve = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)  # IEC 61966-2-1
    icc = imagecodecs.cms_profile("rgb", whitepoint=_D65, primaries=_P3, transferfunction=curve.astype(np.float32))
    return Profile("Display P3, by its primaries", bytes(icc))


def to_srgb(pixels: Image, profile: Profile) -> Image:
    """Pixels (H, W, 1 or 3) of uint8, uint16 or float32 (0 to 1) in sRGB, (H, W, 1 or 3) of the same dtype.

    Colours beyond sRGB are clipped (relative colorimetric).
    """
    if not profile.icc:
        return pixels
    grey = pixels.shape[2] == 1
    converted = _convert(pixels[..., 0] if grey else pixels, profile.icc, grey)
    return np.clip(converted, 0, 1) if converted.dtype == np.float32 else converted


def _convert(pixels: Image, icc: bytes, grey: bool) -> Image:
    converted: Image = imagecodecs.cms_transform(
        np.ascontiguousarray(pixels), icc, _srgb(),
        colorspace="gray" if grey else "rgb", outcolorspace="rgb",
        intent=_RELATIVE_COLORIMETRIC, flags=0 if pixels.dtype == np.uint8 else _EXACT,
    )  # fmt: skip
    return converted


def _means_srgb(icc: bytes, grey: bool) -> bool:
    """Whether a grid of colours comes out as it went in."""
    steps = np.linspace(0, 65535, _PROBES).astype(np.uint16)
    probes: Any = steps[None] if grey else np.stack(np.meshgrid(steps, steps, steps), -1).reshape(1, -1, 3)
    same = probes[..., None] if grey else probes
    return bool(np.abs(_convert(probes, icc, grey).astype(int) - same).max() <= _SAME)


@lru_cache
def _srgb() -> bytes:
    return bytes(imagecodecs.cms_profile("srgb"))


@lru_cache
def srgb_profile() -> bytes:
    """The ICC profile to embed in what this project writes; the same bytes at any time."""
    profile = bytearray(_srgb())
    profile[_CREATED] = struct.pack(">6H", 2020, 1, 1, 0, 0, 0)
    return bytes(profile)
