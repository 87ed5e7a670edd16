"""JPEG 2000 files: their headers (ISO/IEC 15444-1), and their pixels when asked."""

from __future__ import annotations

import struct
from functools import partial
from typing import BinaryIO

import imagecodecs
import numpy as np

from deepfuse.color import Image
from deepfuse.metadata.reading import read_blocks
from deepfuse.photo.boxes import box, boxes
from deepfuse.photo.pixels import Alpha, Stored, full_range
from deepfuse.photo.profiles import NO_PROFILE, Profile, profile_of

_START = b"\xff\x4f\xff\x51"  # A.4: SOC, and SIZ behind it
_SRGB, _GREY = 16, 17  # I.5.3.3: EnumCS
_ICC, _NAMED = 2, 1
_OPACITY, _PREMULTIPLIED = 1, 2  # I.5.3.6: what a channel is
_XMP = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")  # XMP specification part 3, 2.3.6
_EXIF = b"JpgTiffExif->JP2"


def open_jpeg2000(file: BinaryIO) -> Stored:
    """A JP2, or a codestream alone; grey or RGB, of up to 16 bits."""
    file.seek(0)
    data = file.read()
    width, height, bits, channels = size_of_jpeg2000(data)
    if bits > 16:
        raise ValueError(f"expected up to 16 bits a sample, got {bits}")
    profile = _profile(data, grey=channels < 3)
    identified = {content[:16]: content[16:] for kind, content in boxes(data) if kind == b"uuid"}
    metadata = read_blocks(identified.get(_EXIF, b""), identified.get(_XMP, b""))
    decode = partial(_decode, file, width, height, bits)
    return Stored(
        width, height, "8-bit" if bits == 8 else "16-bit", decode, profile, metadata=metadata, alpha=_alpha(data)
    )


def size_of_jpeg2000(data: bytes) -> tuple[int, int, int, int]:
    """Width, height, the bits of a sample and the components that a codestream claims, bare or in boxes: A.5.1.

    Raises:
        ValueError: no codestream, or none of grey or RGB.
    """
    stream = data if data.startswith(_START) else box(data, b"jp2c")
    if not stream.startswith(_START) or len(stream) < 42:
        raise ValueError("expected a JPEG 2000 picture, got no codestream")
    right, bottom, left, top = struct.unpack_from(">4I", stream, 8)
    (channels,) = struct.unpack_from(">H", stream, 40)
    depths = stream[42 : 42 + 3 * channels : 3]
    if not 1 <= channels <= 4 or len(set(depths)) != 1 or depths[0] & 0x80:
        raise ValueError(f"expected grey or RGB of one depth, got {channels} components")
    return right - left, bottom - top, (depths[0] & 0x7F) + 1, channels


def _profile(data: bytes, *, grey: bool) -> Profile:
    told = box(data, b"jp2h", b"colr")
    if told[:1] == bytes([_ICC]):
        return profile_of(told[3:], grey=grey)
    space = int.from_bytes(told[3:7], "big") if told[:1] == bytes([_NAMED]) else _SRGB
    if space not in (_SRGB, _GREY):
        raise ValueError(f"expected a grey or RGB JPEG 2000, got colour space {space}")
    return NO_PROFILE


def _alpha(data: bytes) -> Alpha | None:
    """What the last channel is, where the file says so."""
    told = box(data, b"jp2h", b"cdef")
    kinds = {kind for _, kind, _ in struct.iter_unpack(">3H", told[2 : 2 + (len(told) - 2) // 6 * 6])}
    return "associated" if _PREMULTIPLIED in kinds else "unassociated" if _OPACITY in kinds else None


def _decode(file: BinaryIO, width: int, height: int, bits: int) -> Image:
    file.seek(0)
    pixels: Image = imagecodecs.jpeg2k_decode(file.read())
    if pixels.shape[:2] != (height, width):
        raise ValueError(f"expected {width}×{height} pixels, got {pixels.shape[1]}×{pixels.shape[0]}")
    return pixels if pixels.dtype == np.uint8 and bits == 8 else full_range(pixels, bits)
