"""HEIC and HEIF files: 8 bits, or 10 and 12 bits as 16."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pi_heif

from deepfuse.color import Image
from deepfuse.photo.header import Depth
from deepfuse.photo.profiles import NO_PROFILE, Profile, display_p3, profile_of
from deepfuse.photo.stored import Stored

# ITU-T H.273, tables 2 and 3.
_DISPLAY_P3 = 12
_HDR_TRANSFERS = {16: "PQ", 18: "HLG"}


def open_heic(path: Path) -> Stored:
    """The primary picture. libheif turns it upright by the file's own boxes: the EXIF orientation must not count."""
    heif = _open(path)
    depth: Depth = "8-bit" if heif.info["bit_depth"] == 8 else "16-bit"
    width, height = heif.size
    return Stored(
        width, height, depth, partial(_decode, path), _profile(heif), turned=True, exif=heif.info["exif"] or b""
    )


def read_blocks(path: Path) -> tuple[bytes, bytes]:
    """The EXIF block, as a TIFF structure, and the XMP packet; empty where there is none."""
    info = _open(path).info
    return bytes(info["exif"] or b"").removeprefix(b"Exif\0\0"), bytes(info.get("xmp") or b"")


def _open(path: Path) -> pi_heif.HeifFile:
    with path.open("rb") as file:
        return pi_heif.open_heif(file.read(), convert_hdr_to_8bit=False, hdr_to_16bit=False)


def _profile(heif: pi_heif.HeifFile) -> Profile:
    if icc := heif.info.get("icc_profile"):
        return profile_of(icc, grey=heif.mode.startswith("L"))
    colours: dict[str, Any] = heif.info.get("nclx_profile") or {}
    if transfer := _HDR_TRANSFERS.get(colours.get("transfer_characteristics", 0)):
        raise ValueError(f"expected a picture of standard range, got {transfer}")
    return display_p3() if colours.get("color_primaries") == _DISPLAY_P3 else NO_PROFILE


def _decode(path: Path) -> Image:
    heif = _open(path)
    pixels: Image = np.array(heif)  # a copy: the memory is freed with `heif`
    top = 2 ** heif.info["bit_depth"] - 1
    if pixels.dtype == np.uint8:
        return pixels
    scaled: Image = ((pixels.astype(np.uint32) * 65535 + top // 2) // top).astype(np.uint16)
    return scaled
