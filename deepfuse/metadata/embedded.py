"""What is written into a picture's file beside its pixels: EXIF, XMP, IPTC, texts, resolution, the colour profile."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass

from deepfuse.metadata.directories import HEADER, Entries, Entry, directory, entry_of_numbers
from deepfuse.metadata.texts import Texts
from deepfuse.metadata.tiff import BYTE, EXIF_POINTER, GPS_POINTER, LONG, UNDEFINED

_FIRST = 8  # where the first directory of an EXIF block lies
_XMP_TAG, _IPTC_TAG, _ICC_TAG = 700, 33723, 34675


@dataclass(frozen=True)
class Embedded:
    """Tags of the three EXIF directories, an XMP packet, an ICC profile, IPTC records; empty where there is none.

    `texts` are by PNG's keywords; XMP says the same, for formats that have no such texts. `dpi` are dots per inch.
    """

    image: Entries = ()
    photo: Entries = ()
    gps: Entries = ()
    xmp: bytes = b""
    icc: bytes = b""
    iptc: bytes = b""
    texts: Texts = ()
    dpi: tuple[float, float] | None = None

    def exif_block(self) -> bytes:
        """The EXIF as a TIFF structure of its own, for JPEG and PNG; empty if there is none."""
        if not (self.image or self.photo or self.gps):
            return b""
        return HEADER + struct.pack("<I", _FIRST) + _directories(self, self.image, {}, _FIRST)


NOTHING = Embedded()


def into_tiff(data: bytearray, embedded: Embedded) -> None:
    """Add EXIF, XMP, IPTC and profile to a little-endian TIFF of one page, in place.

    Its directory is written again at the end of the file, with the new tags; pixels stay where they are.
    """
    (at,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, at)
    rows = (bytes(data[place : place + 12]) for place in range(at + 2, at + 2 + 12 * count, 12))
    packed = {struct.unpack_from("<H", row)[0]: row for row in rows}
    blocks = (
        (_XMP_TAG, BYTE, embedded.xmp), (_IPTC_TAG, UNDEFINED, embedded.iptc), (_ICC_TAG, UNDEFINED, embedded.icc),
    )  # fmt: skip
    extra = tuple(Entry(tag, kind, len(block), block) for tag, kind, block in blocks if block)
    data += b"\0" * (len(data) % 2)
    struct.pack_into("<I", data, 4, len(data))
    data += _directories(embedded, (*embedded.image, *extra), packed, len(data))


def _directories(embedded: Embedded, image: Entries, packed: Mapping[int, bytes], at: int) -> bytes:
    """The image directory at offset `at`, those it points to behind it."""
    below = {tag: tags for tag, tags in ((EXIF_POINTER, embedded.photo), (GPS_POINTER, embedded.gps)) if tags}
    place = at + len(directory([*image, *(_pointer(tag, 0) for tag in below)], at, packed))
    pointers, tail = [], b""
    for tag, entries in below.items():
        pointers.append(_pointer(tag, place + len(tail)))
        tail += directory(entries, place + len(tail))
    return directory([*image, *pointers], at, packed) + tail


def _pointer(tag: int, offset: int) -> Entry:
    return entry_of_numbers(tag, LONG, [offset])
