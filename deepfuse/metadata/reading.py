"""A photo file's metadata, read once: EXIF parsed, XMP, IPTC and texts as they lie there."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from deepfuse.metadata.exif import CR3_START, NO_EXIF, Exif, read_exif
from deepfuse.metadata.iptc import iptc_of
from deepfuse.metadata.jpeg import Jpeg
from deepfuse.metadata.texts import COMMENT, Texts
from deepfuse.metadata.tiff import decoded, size_of

_PREFIX = b"Exif\0\0"
_MARKS = (_PREFIX, b"eXIf")
_WHERE_EXIF_LIES = 1 << 18  # bytes from the start
_XMP_TAG, _IPTC_TAG, _PHOTOSHOP_TAG = 700, 33723, 34377
_MOST_BLOCK = 1 << 22  # bytes; longer ones are refused later, by their length
_RAF_START, _RAF_JPEG = b"FUJIFILM", 84
_XMP_BOX, _MOST_BOXES = bytes.fromhex("be7acfcb97a942e89c71999491e3afac"), 16  # of XMP in ISO base media files
_SIDECARS = (".xmp", ".XMP")


@dataclass(frozen=True)
class Metadata:
    """What a photo file tells besides its pixels.

    Attributes:
        exif: its tags; none where there are none, or all are damaged.
        xmp: XMP packets as they lie in the file and beside it; what several tell, the first of them tells.
        damaged: whether the file claims to have EXIF of which nothing can be read.
        iptc: its IPTC records as they lie in the file; empty where there are none.
        texts: of a PNG, or a JPEG's comment, by PNG's keywords.
        dpi: dots per inch across and down, where the container tells them.
    """

    exif: Exif = NO_EXIF
    xmp: tuple[bytes, ...] = ()
    damaged: bool = False
    iptc: bytes = b""
    texts: Texts = ()
    dpi: tuple[float, float] | None = None


NO_METADATA = Metadata()


def read_blocks(
    exif: bytes,
    *xmp: bytes,
    iptc: bytes = b"",
    texts: Texts = (),
    dpi: tuple[float, float] | None = None,
) -> Metadata:
    """The metadata of a JPEG, PNG or HEIC, whose containers hold them in blocks of their own; empty for none.

    >>> exif = bytes.fromhex("49492a0008000000 0100 1201030001000000 06000000 00000000")  # Orientation is 6
    >>> read_blocks(exif, b"").exif.image[0x0112].numbers
    (6,)
    """
    parsed = read_exif(io.BytesIO(exif.removeprefix(_PREFIX)))
    return Metadata(parsed, tuple(filter(None, xmp)), bool(exif) and not parsed.image, iptc, texts, dpi)


def read_jpeg(jpeg: Jpeg) -> Metadata:
    """The metadata of an open JPEG."""
    texts = ((COMMENT, decoded(jpeg.comment)),) if jpeg.comment else ()
    xmp = jpeg.xmp_packet, jpeg.xmp_extension
    return read_blocks(jpeg.exif_block, *xmp, iptc=jpeg.iptc_block, texts=texts, dpi=jpeg.dpi)


def read_file(file: BinaryIO) -> Metadata:
    """The metadata of a TIFF or RAW file, whose directories lie in the open."""
    file.seek(0)
    if file.read(len(_RAF_START)) == _RAF_START:
        return _read_raf(file)
    parsed = read_exif(file)
    xmp = _block(file, parsed, _XMP_TAG) or _box(file)
    iptc = iptc_of(_block(file, parsed, _IPTC_TAG) or _block(file, parsed, _PHOTOSHOP_TAG))
    return Metadata(parsed, (xmp,) if xmp else (), not parsed.image and _claims(file), iptc)


def with_sidecar(metadata: Metadata, path: Path) -> Metadata:
    """The metadata of a photo, and before them those in the XMP file beside it."""
    sidecar = sidecar_of(path)
    return replace(metadata, xmp=(_start(sidecar), *metadata.xmp)) if sidecar else metadata


def sidecar_of(path: Path) -> Path | None:
    """The XMP file beside a photo, PHOTO.NEF.xmp or else PHOTO.xmp, if there is one that holds anything."""
    beside = (path.with_name(name + suffix) for name in (path.name, path.stem) for suffix in _SIDECARS)
    return next((sidecar for sidecar in beside if _start(sidecar, 1)), None)


def _start(sidecar: Path, most: int = _MOST_BLOCK) -> bytes:
    try:
        if not sidecar.is_file():
            return b""
        with sidecar.open("rb") as file:
            return file.read(most)
    except OSError:  # a name that is too long, or a file of someone else: the photo itself can be read
        return b""


def _read_raf(file: BinaryIO) -> Metadata:
    """Fujifilm's RAW holds a JPEG with all metadata."""
    file.seek(_RAF_JPEG)
    file.seek(int.from_bytes(file.read(4), "big"))
    try:
        jpeg = Jpeg(file)
    except Exception:  # Pillow raises syntax, index and other errors on damage, which says nothing
        return Metadata(damaged=_claims(file))
    return read_jpeg(jpeg)


def _block(file: BinaryIO, exif: Exif, key: int) -> bytes:
    """A tag of the first directory that holds a file of its own."""
    if (tag := exif.image.get(key)) is None:
        return b""
    file.seek(tag.offset)
    return file.read(min(tag.count * size_of(tag.kind), _MOST_BLOCK))


def _box(file: BinaryIO) -> bytes:
    """The XMP of Canon's CR3, in a box of its own; empty for other files."""
    at = 0
    for _ in range(_MOST_BOXES):
        file.seek(at)
        start = file.read(24)
        if len(start) < 24 or (at == 0 and start[4:12] != CR3_START):
            return b""
        length = int.from_bytes(start[:4], "big")
        if start[4:] == b"uuid" + _XMP_BOX:
            return file.read(min(max(length - 24, 0), _MOST_BLOCK))
        at += max(length, 8)
    return b""


def _claims(file: BinaryIO) -> bool:
    file.seek(0)
    start = file.read(_WHERE_EXIF_LIES)
    return any(mark in start for mark in _MARKS)
