"""EXIF as it lies in a file (CIPA DC-008): all that is read of it, by the one reader of this project."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import BinaryIO

from deepfuse.metadata.bigtiff import VERSION, BigBlock
from deepfuse.metadata.makers import UNKNOWN, Bracketing, read_bracketing
from deepfuse.metadata.tiff import EXIF_POINTER, GPS_POINTER, INTEROP_POINTER, ORDERS, Block, Tags, integer, text

_MAKE, _MAKER_NOTE = 0x010F, 0x927C
CR3_START = b"ftypcrx "
_CANON_BYTES = 1 << 16
_IMAGE, _PHOTO, _NOTE, _GPS = b"CMT1", b"CMT2", b"CMT3", b"CMT4"


@dataclass(frozen=True)
class Exif:
    """The directories that say how and where a photo was taken, the thumbnail's, and what the maker note tells."""

    image: Tags = field(default_factory=dict)
    photo: Tags = field(default_factory=dict)
    gps: Tags = field(default_factory=dict)
    interop: Tags = field(default_factory=dict)
    thumbnail: Tags = field(default_factory=dict)
    bracketing: Bracketing = UNKNOWN


NO_EXIF = Exif()


def read_exif(file: BinaryIO) -> Exif:
    """The EXIF of a TIFF structure: an EXIF block, a TIFF, BigTIFF or most RAW files; or of Canon's CR3, boxes of TIFF.

    Damaged tags are missing; directories are empty where there is none.

    Raises:
        OSError: the file cannot be read.
    """
    file.seek(0)
    start = file.read(12)
    if start[4:12] == CR3_START:
        return _read_cr3(file)
    if (order := ORDERS.get(start[:2])) is None:
        return NO_EXIF
    block = (BigBlock if start[2:8] == VERSION[order] else Block)(file, 0, order)
    image = block.first()
    photo = _below(block, image, EXIF_POINTER)
    note = (block, photo[_MAKER_NOTE].offset) if _MAKER_NOTE in photo else None
    return Exif(
        image,
        photo,
        _below(block, image, GPS_POINTER),
        _below(block, photo, INTEROP_POINTER),
        block.second(),
        _bracketing(image, note),
    )


def _below(block: Block, tags: Tags, pointer: int) -> Tags:
    """The directory that a tag points to."""
    offset = integer(tags, pointer)
    return block.tags(offset) if offset else {}


def _bracketing(image: Tags, note: tuple[Block, int] | None) -> Bracketing:
    if note is None:
        return UNKNOWN
    try:
        return read_bracketing(text(image, _MAKE), *note)
    except Exception:  # a note is written by its maker alone: what cannot be read must not cost the other tags
        return UNKNOWN


def _read_cr3(file: BinaryIO) -> Exif:
    """Canon keeps TIFF structures in boxes within the first kilobytes: image, EXIF, maker note and GPS."""
    file.seek(0)
    head = file.read(_CANON_BYTES)
    bases = {name: head.find(name) + 4 for name in (_IMAGE, _PHOTO, _NOTE, _GPS) if name in head}
    blocks = {
        name: Block(file, base, order) for name, base in bases.items() if (order := ORDERS.get(head[base : base + 2]))
    }
    image, photo, gps = (blocks[name].first() if name in blocks else {} for name in (_IMAGE, _PHOTO, _GPS))
    note = blocks.get(_NOTE)
    return Exif(image, photo, gps, bracketing=_bracketing(image, (note, note.base + note.start) if note else None))
