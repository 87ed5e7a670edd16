"""HEIC and HEIF files: 8 bits, or 10 and 12 bits as 16."""

from __future__ import annotations

from functools import partial
from typing import Any, BinaryIO

import numpy as np
import pi_heif

from deepfuse.color import Image
from deepfuse.metadata.reading import read_blocks
from deepfuse.photo.header import Depth
from deepfuse.photo.items import check_items
from deepfuse.photo.pixels import Stored, full_range
from deepfuse.photo.profiles import Profile, profile_of
from deepfuse.photo.spaces import space_of_codes


def open_heic(file: BinaryIO) -> Stored:
    """The primary picture. libheif turns it upright by the file's own boxes: the EXIF orientation must not count."""
    check_items(file)
    heif = _open(file)
    depth: Depth = "8-bit" if heif.info["bit_depth"] == 8 else "16-bit"
    width, height = heif.size
    metadata = read_blocks(bytes(heif.info["exif"] or b""), bytes(heif.info.get("xmp") or b""))
    return Stored(width, height, depth, partial(_decode, file), _profile(heif), turned=True, metadata=metadata)


def _open(file: BinaryIO) -> pi_heif.HeifFile:
    file.seek(0)
    return pi_heif.open_heif(file.read(), convert_hdr_to_8bit=False, hdr_to_16bit=False)


def _profile(heif: pi_heif.HeifFile) -> Profile:
    if icc := heif.info.get("icc_profile"):
        return profile_of(icc, grey=heif.mode.startswith("L"))
    colours: dict[str, Any] = heif.info.get("nclx_profile") or {}
    primaries, transfer = (colours.get(name, 2) for name in ("color_primaries", "transfer_characteristics"))
    return space_of_codes(primaries, transfer)


def _decode(file: BinaryIO) -> Image:
    heif = _open(file)
    pixels: Image = np.array(heif)  # a copy: the memory is freed with `heif`
    return pixels if pixels.dtype == np.uint8 else full_range(pixels, heif.info["bit_depth"])
