"""Which kind of photo a file is, by its content: the suffix decides only between RAW and what looks like TIFF."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO, Literal

from deepfuse.bracket import PHOTO_SUFFIXES, RAW_SUFFIXES, printable
from deepfuse.errors import PhotoError

Kind = Literal["RAW", "JPEG", "PNG", "TIFF", "HEIC", "AVIF", "WebP", "JPEG 2000", "JPEG XL"]

_AVIF_BRANDS, _BRANDS_END = {b"avif", b"avis"}, 64
# TIFF 6.0 section 2 and BigTIFF; ISO/IEC 23008-12 annex B.
_TIFF_SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_JPEG_2000 = (b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51")
_JPEG_XL = (b"\0\0\0\x0cJXL \r\n\x87\n", b"\xff\x0a")
# What cameras' own formats begin with, where that is not TIFF's.
_RAW_STARTS = (b"IIR", b"MMOR", b"IIU\0", b"II\x1a\0", b"FUJIFILM", b"FOVb", b"\0MRM")
_EXPECTED = "a RAW, JPEG, TIFF, PNG, HEIC, AVIF, WebP, JPEG 2000 or JPEG XL file"
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}


def kind_of(path: Path, file: BinaryIO) -> Kind:
    """The kind of an open photo file; a PNG named .jpg is a PNG.

    Raises:
        PhotoError: a suffix that no photo has, or content that is none of these kinds.
        OSError: the file cannot be read.
    """
    suffix = path.suffix.lower()
    if suffix not in PHOTO_SUFFIXES:
        raise PhotoError(f"{printable(str(path))}: expected {_EXPECTED}, got '{suffix}'")
    file.seek(0)
    start = file.read(_BRANDS_END)
    if start.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if start.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if start[4:8] == b"ftyp" and _AVIF_BRANDS & {start[at : at + 4] for at in range(8, _BRANDS_END, 4)}:
        return "AVIF"  # before HEIC: mif1 is the first brand of either
    if start[4:8] == b"ftyp" and start[8:12] in _HEIC_BRANDS:
        return "HEIC"
    if start.startswith(b"RIFF") and start[8:12] == b"WEBP":
        return "WebP"
    if start.startswith(_JPEG_2000):
        return "JPEG 2000"
    if start.startswith(_JPEG_XL):
        return "JPEG XL"
    if suffix in RAW_SUFFIXES:
        return "RAW"
    if start.startswith(_TIFF_SIGNATURES):
        return "TIFF"
    raise PhotoError(f"{printable(str(path))}: expected {_EXPECTED}, got other content")


def is_foreign(path: Path, file: BinaryIO) -> bool:
    """Whether an open file, be it named as a photo, begins as none does.

    Raises:
        OSError: the file cannot be read.
    """
    try:
        kind = kind_of(path, file)
    except PhotoError:
        return True
    file.seek(0)
    start = file.read(_BRANDS_END)
    return kind == "RAW" and start[4:8] != b"ftyp" and not start.startswith(_TIFF_SIGNATURES + _RAW_STARTS)
