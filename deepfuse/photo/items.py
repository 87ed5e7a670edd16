"""Whether a HEIF file holds the coded pictures that its boxes name (ISO/IEC 14496-12, 23008-12).

libheif shows what is missing or damaged of one as grey or as smeared colours, and calls it a picture.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

_LARGEST_META = 1 << 26  # bytes; of a picture in 500 tiles it is 20 000
_MOST_EXTENTS = 1 << 16
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
    size = file.seek(0, io.SEEK_END)
    meta = _meta(file, size)
    boxes = dict(_boxes(meta[4:]))
    kinds = _kinds(boxes.get(b"iinf", b""))
    idat = len(boxes.get(b"idat", b""))
    for item in _items(boxes.get(b"iloc", b"")):
        end = idat if item.method == _IN_IDAT else size
        for offset, count in item.extents if item.method in (_IN_FILE, _IN_IDAT) else ():
            if offset + count > end:
                raise ValueError(f"expected {offset + count} bytes or more, got {end}: cut short or damaged")
        if kinds.get(item.number) == _HEVC and item.method == _IN_FILE:
            _check_units(b"".join(_read(file, *extent) for extent in item.extents), _length_size(meta))


def _meta(file: BinaryIO, size: int) -> bytes:
    at = 0
    while at + 8 <= size:
        head = _read(file, at, 16)
        length, start = int.from_bytes(head[:4], "big"), 8
        if length == 1:
            length, start = int.from_bytes(head[8:16], "big"), 16
        length = length or size - at
        if head[4:8] == b"meta":
            return _read(file, at + start, min(length - start, _LARGEST_META))
        at += max(length, 8)
    raise ValueError("expected a HEIF file, got none of its boxes")


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Name and content of each box."""
    at = 0
    while at + 8 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big") or len(data) - at
        if length < 8 or at + length > len(data):
            raise ValueError("expected whole boxes, got one cut short")
        yield data[at + 4 : at + 8], data[at + 8 : at + length]
        at += length


def _kinds(iinf: bytes) -> dict[int, bytes]:
    """The type of each item, by its number."""
    found = {}
    for name, entry in _boxes(iinf[6 if iinf[:1] == b"\0" else 8 :]):
        if name == b"infe" and len(entry) > 12 and entry[0] >= 2:
            wide = 2 if entry[0] == 2 else 4
            found[int.from_bytes(entry[4 : 4 + wide], "big")] = entry[6 + wide : 10 + wide]
    return found


def _items(iloc: bytes) -> Iterator[_Item]:
    if not iloc:
        return
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


def _read(file: BinaryIO, at: int, count: int) -> bytes:
    file.seek(at)
    return file.read(max(0, count))
