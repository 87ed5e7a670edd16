"""A photo file's metadata, read once: EXIF parsed, XMP as it lies there."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import BinaryIO

from deepfuse.metadata.exif import NO_EXIF, Exif, read_exif
from deepfuse.metadata.jpeg import Jpeg

_PREFIX = b"Exif\0\0"
_MARKS = (_PREFIX, b"eXIf")
_WHERE_EXIF_LIES = 1 << 18  # bytes from the start
_XMP_TAG = 700
_MOST_XMP = 1 << 20  # bytes; longer ones are refused later, by their length
_RAF_START, _RAF_JPEG = b"FUJIFILM", 84


@dataclass(frozen=True)
class Metadata:
    """What a photo file tells besides its pixels.

    Attributes:
        exif: its tags; none where there are none, or all are damaged.
        xmp: the XMP packet as it lies in the file; empty where there is none.
        damaged: whether the file claims to have EXIF of which nothing can be read.
    """

    exif: Exif = NO_EXIF
    xmp: bytes = b""
    damaged: bool = False


NO_METADATA = Metadata()


def read_blocks(exif: bytes, xmp: bytes) -> Metadata:
    """The metadata of a JPEG, PNG or HEIC, whose containers hold them in blocks of their own; empty for none.

    >>> exif = bytes.fromhex("49492a0008000000 0100 1201030001000000 06000000 00000000")  # Orientation is 6
    >>> read_blocks(exif, b"").exif.image[0x0112].numbers
    (6,)
    """
    parsed = read_exif(io.BytesIO(exif.removeprefix(_PREFIX)))
    return Metadata(parsed, xmp, damaged=bool(exif) and not parsed.image)


def read_file(file: BinaryIO) -> Metadata:
    """The metadata of a TIFF or RAW file, whose directories lie in the open."""
    file.seek(0)
    if file.read(len(_RAF_START)) == _RAF_START:
        return _read_raf(file)
    parsed = read_exif(file)
    return Metadata(parsed, _xmp(file, parsed), damaged=not parsed.image and _claims(file))


def _read_raf(file: BinaryIO) -> Metadata:
    """Fujifilm's RAW holds a JPEG with all metadata."""
    file.seek(_RAF_JPEG)
    file.seek(int.from_bytes(file.read(4), "big"))
    try:
        jpeg = Jpeg(file)
    except Exception:  # Pillow raises syntax, index and other errors on damage, which says nothing
        return Metadata(damaged=_claims(file))
    return read_blocks(jpeg.exif_block, jpeg.xmp_packet)


def _xmp(file: BinaryIO, exif: Exif) -> bytes:
    if (tag := exif.image.get(_XMP_TAG)) is None:
        return b""
    file.seek(tag.offset)
    return file.read(min(tag.count, _MOST_XMP))


def _claims(file: BinaryIO) -> bool:
    file.seek(0)
    start = file.read(_WHERE_EXIF_LIES)
    return any(mark in start for mark in _MARKS)
