"""What is written into a picture's file beside its pixels: EXIF directories, XMP, the colour profile."""

from __future__ import annotations

import struct
from dataclasses import dataclass

_TIFF_HEADER = b"II*\0"
_FIRST = 8  # where the first directory of an EXIF block lies
EXIF_POINTER, GPS_POINTER, XMP_TAG, ICC_TAG = 0x8769, 0x8825, 700, 34675
_LONG, _BYTE, _UNDEFINED = 4, 1, 7


@dataclass(frozen=True)
class Entry:
    """One tag of a TIFF directory: its number, its type and count as TIFF 6.0 names them, its value little-endian."""

    tag: int
    kind: int
    count: int
    data: bytes


Entries = tuple[Entry, ...]


@dataclass(frozen=True)
class Embedded:
    """Tags of the three EXIF directories, an XMP packet and an ICC profile; empty where there is none."""

    image: Entries = ()
    photo: Entries = ()
    gps: Entries = ()
    xmp: bytes = b""
    icc: bytes = b""

    def exif_block(self) -> bytes:
        """The EXIF as a TIFF structure of its own, for JPEG and PNG; empty if there is none."""
        if not (self.image or self.photo or self.gps):
            return b""
        return _TIFF_HEADER + struct.pack("<I", _FIRST) + _directories(self, {}, _FIRST)


NOTHING = Embedded()


def into_tiff(data: bytearray, embedded: Embedded) -> None:
    """Add EXIF, XMP and profile to a little-endian TIFF of one page, in place.

    Its directory is written again at the end of the file, with the new tags; pixels stay where they are.
    """
    (at,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, at)
    start = at + 2
    entries = {
        struct.unpack_from("<H", data, place)[0]: bytes(data[place : place + 12])
        for place in range(start, start + 12 * count, 12)
    }
    data += b"\0" * (len(data) % 2)
    struct.pack_into("<I", data, 4, len(data))
    data += _directories(embedded, entries, len(data), tiff=True)


def _directories(embedded: Embedded, packed: dict[int, bytes], at: int, *, tiff: bool = False) -> bytes:
    """The image directory at offset `at`, those it points to behind it; `packed` are entries that are there already."""
    extra = [Entry(XMP_TAG, _BYTE, len(embedded.xmp), embedded.xmp)] if tiff and embedded.xmp else []
    extra += [Entry(ICC_TAG, _UNDEFINED, len(embedded.icc), embedded.icc)] if tiff and embedded.icc else []
    below = {EXIF_POINTER: embedded.photo, GPS_POINTER: embedded.gps}
    pointers = [Entry(tag, _LONG, 1, bytes(4)) for tag, entries in below.items() if entries]
    image = [*embedded.image, *extra]
    end = at + len(_directory([*image, *pointers], packed, at))
    tail = b""
    for index, pointer in enumerate(pointers):
        pointers[index] = Entry(pointer.tag, _LONG, 1, struct.pack("<I", end + len(tail)))
        tail += _directory(below[pointer.tag], {}, end + len(tail))
    return _directory([*image, *pointers], packed, at) + tail


def _directory(entries: list[Entry] | Entries, packed: dict[int, bytes], at: int) -> bytes:
    """A directory at offset `at`, its long values behind it (TIFF 6.0, section 2)."""
    rows = dict(packed) | {entry.tag: b"" for entry in entries}
    place = at + 2 + 12 * len(rows) + 4
    values = b""
    for entry in entries:
        value = entry.data.ljust(4, b"\0")
        if len(value) > 4:
            value, values = struct.pack("<I", place + len(values)), values + entry.data + b"\0" * (len(entry.data) % 2)
        rows[entry.tag] = struct.pack("<HHI", entry.tag, entry.kind, entry.count) + value
    return struct.pack("<H", len(rows)) + b"".join(rows[tag] for tag in sorted(rows)) + bytes(4) + values
