"""Which kind of photo a file is, by its content: the suffix decides only between RAW and what looks like TIFF."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO, Literal

from deepfuse.bracket import PHOTO_SUFFIXES, RAW_SUFFIXES, printable
from deepfuse.errors import PhotoError

Kind = Literal["RAW", "JPEG", "PNG", "TIFF", "HEIC"]

# TIFF 6.0 section 2 and BigTIFF; ISO/IEC 23008-12 annex B.
_TIFF_SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}


def kind_of(path: Path, file: BinaryIO) -> Kind:
    """The kind of an open photo file; a PNG named .jpg is a PNG.

    Raises:
        PhotoError: a suffix that no photo has, or content that is none of these kinds.
        OSError: the file cannot be read.
    """
    suffix = path.suffix.lower()
    if suffix not in PHOTO_SUFFIXES:
        raise PhotoError(f"{printable(str(path))}: expected a RAW, TIFF, PNG, JPEG or HEIC file, got '{suffix}'")
    file.seek(0)
    start = file.read(16)
    if start.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if start.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if start[4:8] == b"ftyp" and start[8:12] in _HEIC_BRANDS:
        return "HEIC"
    if suffix in RAW_SUFFIXES:
        return "RAW"
    if start.startswith(_TIFF_SIGNATURES):
        return "TIFF"
    raise PhotoError(f"{printable(str(path))}: expected a JPEG, PNG, TIFF or HEIC picture, got other content")
