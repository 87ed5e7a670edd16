"""Whether a HEIF file holds the coded pictures that its boxes name (ISO/IEC 14496-12, 23008-12).

libheif shows what is missing or damaged of one as grey or as smeared colours, and calls it a picture.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from deepfuse.photo.boxes import box, boxes

_MOST_EXTENTS = 1 << 16
_FLAGS = 4  # bytes of version and flags before a full box's content
_HEVC = b"hvc1"
_LENGTH_SIZE_AT = 21  # of HEVCDecoderConfigurationRecord: lengthSizeMinusOne in its two lowest bits
_IN_FILE, _IN_IDAT = 0, 1  # construction methods of items


@dataclass(frozen=True)
class _Item:
    """Where an item lies: offset and bytes of each extent, within the file or within the box `idat`."""

    number: int
    method: int
    extents: tuple[tuple[int, int], ...]


class _Bytes:
    """Fields of a box, one after the other."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, count: int) -> bytes:
        self.at += count
        if self.at > len(self.data):
            raise ValueError("expected whole boxes, got one cut short")
        return self.data[self.at - count : self.at]

    def number(self, count: int) -> int:
        return int.from_bytes(self.take(count), "big")


def check_items(file: BinaryIO) -> None:
    """Refuse a HEIF file in which a coded picture is cut short, or holds what no encoder writes.

    In HEVC no three zero bytes follow each other (ITU-T H.265, 7.4.2), so that a stretch of zeros is a hole.

    Raises:
        ValueError: what is wrong.
    """
    file.seek(0)
    data = file.read()
    meta = box(data, b"meta")
    parts = dict(boxes(meta, skipped=_FLAGS))
    if b"iloc" not in parts:
        raise ValueError("expected whole boxes, got no places of the pictures: cut short or damaged")
    kinds = _kinds(parts.get(b"iinf", b""))
    idat = len(parts.get(b"idat", b""))
    for item in _items(parts[b"iloc"]):
        end = idat if item.method == _IN_IDAT else len(data)
        for offset, count in item.extents if item.method in (_IN_FILE, _IN_IDAT) else ():
            if offset + count > end:
                raise ValueError(f"expected {offset + count} bytes or more, got {end}: cut short or damaged")
        if kinds.get(item.number) == _HEVC and item.method == _IN_FILE:
            _check_units(b"".join(data[at : at + count] for at, count in item.extents), _length_size(meta))


def _kinds(iinf: bytes) -> dict[int, bytes]:
    """The type of each item, by its number."""
    found = {}
    for name, entry in boxes(iinf, skipped=_FLAGS + (2 if iinf[:1] == b"\0" else 4)):
        if name == b"infe" and len(entry) > 12 and entry[0] >= 2:
            wide = 2 if entry[0] == 2 else 4
            found[int.from_bytes(entry[4 : 4 + wide], "big")] = entry[6 + wide : 10 + wide]
    return found


def _items(iloc: bytes) -> Iterator[_Item]:
    box = _Bytes(iloc)
    version, sizes = box.number(4) >> 24, box.number(2)
    offset_size, length_size, base_size, index_size = (sizes >> shift & 15 for shift in (12, 8, 4, 0))
    wide = 4 if version == 2 else 2
    left = _MOST_EXTENTS
    for _ in range(box.number(wide)):
        number = box.number(wide)
        method = box.number(2) & 15 if version else _IN_FILE
        box.take(2)
        base, count = box.number(base_size), box.number(2)
        if (left := left - count) < 0:
            raise ValueError(f"expected up to {_MOST_EXTENTS} parts, got more")
        extents = []
        for _ in range(count):
            box.take(index_size if version else 0)
            offset, length = box.number(offset_size), box.number(length_size)
            extents.append((base + offset, length))
        yield _Item(number, method, tuple(extents))


def _length_size(meta: bytes) -> int:
    """The bytes of a length before each unit."""
    at = meta.find(b"hvcC") + 4 + _LENGTH_SIZE_AT
    return (meta[at] & 3) + 1 if at < len(meta) else 4


def _check_units(data: bytes, length_size: int) -> None:
    """Each unit behind its length, up to the end."""
    at = 0
    while at < len(data):
        count = int.from_bytes(data[at : at + length_size], "big")
        start, at = at + length_size, at + length_size + count
        if not count or at > len(data) or b"\0\0\0" in data[start:at]:
            raise ValueError("expected a picture coded as HEVC, got other bytes: damaged")
