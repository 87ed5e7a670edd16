"""WebP files: their headers (RFC 9649), and their pixels when asked."""

from __future__ import annotations

from functools import partial
from typing import BinaryIO

import imagecodecs

from deepfuse.color import Image
from deepfuse.metadata.reading import read_blocks
from deepfuse.photo.pixels import Stored
from deepfuse.photo.profiles import profile_of

_MOST = 1 << 22  # bytes of a profile, EXIF or XMP
_KEPT = (b"VP8X", b"VP8 ", b"VP8L", b"ICCP", b"EXIF", b"XMP ")
_ANIMATED = 0x02


def open_webp(file: BinaryIO) -> Stored:
    """A still WebP, lossy or lossless."""
    chunks = _chunks(file)
    if chunks.get(b"VP8X", b"\0")[0] & _ANIMATED:
        raise ValueError("expected a picture, got an animated WebP")
    width, height = _size(chunks)
    metadata = read_blocks(chunks.get(b"EXIF", b""), chunks.get(b"XMP ", b""))
    profile = profile_of(chunks.get(b"ICCP", b""), grey=False)
    decode = partial(_decode, file, width, height)
    return Stored(width, height, "8-bit", decode, profile, metadata=metadata, alpha="unassociated")


def _size(chunks: dict[bytes, bytes]) -> tuple[int, int]:
    """As the picture itself says: sections 2.5 and 2.6, and RFC 6386 section 9.1."""
    lossy, lossless = chunks.get(b"VP8 ", b""), chunks.get(b"VP8L", b"")
    if len(lossy) >= 10:
        return int.from_bytes(lossy[6:8], "little") & 0x3FFF, int.from_bytes(lossy[8:10], "little") & 0x3FFF
    if len(lossless) >= 5:
        packed = int.from_bytes(lossless[1:5], "little")
        return (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1
    raise ValueError("expected a WebP, got no picture")


def _chunks(file: BinaryIO) -> dict[bytes, bytes]:
    """The first of each kind; of the picture only its beginning."""
    found: dict[bytes, bytes] = {}
    at = 12
    while len(start := _read(file, at, 8)) == 8:
        name, length = start[:4], int.from_bytes(start[4:], "little")
        if name in _KEPT and name not in found:
            found[name] = _read(file, at + 8, min(length, 16 if name.startswith(b"VP8") else _MOST))
        at += 8 + length + length % 2
    return found


def _decode(file: BinaryIO, width: int, height: int) -> Image:
    file.seek(0)
    pixels: Image = imagecodecs.webp_decode(file.read())
    if pixels.shape[:2] != (height, width):
        raise ValueError(f"expected {width}×{height} pixels, got {pixels.shape[1]}×{pixels.shape[0]}")
    return pixels


def _read(file: BinaryIO, at: int, count: int) -> bytes:
    file.seek(at)
    return file.read(count)
