"""EXIF as it lies in a file: the directories of tags (IFDs) of TIFF 6.0, read with no trust in the file."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import BinaryIO

from exifread.core.find_exif import determine_type

MOST_TAGS = 500
MOST_BYTES = 4096
FORMATS = {
    1: "B", 2: "c", 3: "H", 4: "I", 5: "II", 6: "b", 7: "B", 8: "h", 9: "i", 10: "ii", 11: "f", 12: "d", 13: "I",
}  # fmt: skip
RATIONAL = (5, 10)
TEXT = 2


@dataclass(frozen=True)
class Tag:
    """One tag: its numbers or its text, where its value lies in the file; its type and count, as TIFF names them."""

    numbers: tuple[float, ...]
    text: str
    offset: int
    kind: int
    count: int


Tags = dict[int, Tag]


@dataclass(frozen=True)
class Block:
    """A TIFF structure inside a file: offsets count from `base`; `order` is "<" or ">"."""

    file: BinaryIO
    base: int
    order: str

    def tags(self, offset: int) -> Tags:
        """The tags of the directory at an offset; damaged ones are missing."""
        found: Tags = {}
        (count,) = self._numbers("H", self.base + offset) or (0,)
        for index in range(int(count) if count <= MOST_TAGS else 0):
            entry = self._numbers("HHI", at := self.base + offset + 2 + 12 * index)
            if entry and (tag := self._tag(int(entry[1]), int(entry[2]), at + 8)):
                found[int(entry[0])] = tag
        return found

    def first(self) -> Tags:
        """The tags of the first directory, where the structure's header says."""
        (offset,) = self._numbers("I", self.base + 4) or (0,)
        return self.tags(int(offset)) if offset else {}

    def second(self) -> Tags:
        """The tags of the directory after the first one, which in EXIF describes the thumbnail."""
        (offset,) = self._numbers("I", self.base + 4) or (0,)
        (count,) = self._numbers("H", self.base + int(offset)) or (0,)
        (after,) = self._numbers("I", self.base + int(offset) + 2 + 12 * int(count)) or (0,)
        return self.tags(int(after)) if after else {}

    def _tag(self, kind: int, count: int, at: int) -> Tag | None:
        if kind not in FORMATS or count == 0:
            return None
        size = struct.calcsize("=" + FORMATS[kind])
        if size * count > 4:
            (offset,) = self._numbers("I", at) or (0,)
            at = self.base + int(offset)
        if kind == TEXT:
            text = self._bytes(at, min(count, MOST_BYTES)).split(b"\0")[0].decode("utf-8", "replace").strip()
            return Tag((), text, at, kind, count)
        numbers = self._numbers(FORMATS[kind] * min(count, MOST_BYTES // size), at)
        if numbers is None:
            return None
        if kind in RATIONAL:
            pairs = zip(numbers[::2], numbers[1::2], strict=True)
            numbers = tuple(above / below if below else 0.0 for above, below in pairs)
        return Tag(numbers, "", at, kind, count)

    def _numbers(self, fields: str, at: int) -> tuple[float, ...] | None:
        data = self._bytes(at, struct.calcsize("=" + fields))
        return struct.unpack(self.order + fields, data) if len(data) == struct.calcsize("=" + fields) else None

    def _bytes(self, at: int, count: int) -> bytes:
        self.file.seek(at)
        return self.file.read(count)


@dataclass(frozen=True)
class Exif:
    """The directories that say how and where a photo was taken, the maker note's block and offset, the thumbnail's."""

    image: Tags
    photo: Tags
    note: tuple[Block, int] | None
    thumbnail: Tags = field(default_factory=dict)
    gps: Tags = field(default_factory=dict)


NO_EXIF = Exif({}, {}, None)
IMAGE, PHOTO, NOTE, GPS = b"CMT1", b"CMT2", b"CMT3", b"CMT4"
EXIF_OFFSET, GPS_OFFSET = 0x8769, 0x8825


def read_exif(file: BinaryIO) -> Exif:
    """The EXIF of an open photo file; empty directories where it has none.

    Besides what `exifread` finds its way in, Fujifilm's RAF (a JPEG lies in it) and Canon's CR3 (boxes of TIFF).
    """
    start = file.read(12)
    if start[4:12] == b"ftypcrx ":
        return _read_cr3(file)
    base = _tiff_base(file, start)
    order = _order(file, base)
    if order is None:
        return NO_EXIF
    block = Block(file, base, order)
    image = block.first()
    photo, gps = (
        block.tags(int(image[key].numbers[0])) if key in image and image[key].numbers else {}
        for key in (EXIF_OFFSET, GPS_OFFSET)
    )
    return Exif(image, photo, (block, photo[0x927C].offset) if 0x927C in photo else None, block.second(), gps)


def _tiff_base(file: BinaryIO, start: bytes) -> int:
    if start[:2] in (b"II", b"MM"):
        return 0
    if start[:8] == b"FUJIFILM":
        file.seek(84)
        return _jpeg_base(file, int.from_bytes(file.read(4), "big"))
    if start[:2] == b"\xff\xd8":
        return _jpeg_base(file, 0)
    file.seek(0)
    return int(determine_type(file)[0])


def _jpeg_base(file: BinaryIO, start: int) -> int:
    """Where the TIFF structure of a JPEG's APP1 segment begins; -1 if it has none."""
    at = start + 2
    while True:
        file.seek(at)
        head = file.read(10)
        if len(head) < 10 or head[0] != 0xFF or head[1] in (0xDA, 0xD9):
            return -1
        if head[1] == 0xE1 and head[4:] == b"Exif\0\0":
            return at + 10
        at += 2 + int.from_bytes(head[2:4], "big")


def _order(file: BinaryIO, base: int) -> str | None:
    if base < 0:
        return None
    file.seek(base)
    return {b"II": "<", b"MM": ">"}.get(file.read(2))


def _read_cr3(file: BinaryIO) -> Exif:
    """Canon keeps three TIFF structures in boxes within the first kilobytes: image, EXIF and maker note."""
    file.seek(0)
    head = file.read(1 << 16)
    blocks = {name: head.find(name) + 4 for name in (IMAGE, PHOTO, NOTE, GPS) if name in head}
    parts = {name: Block(file, base, order) for name, base in blocks.items() if (order := _order(file, base))}
    note = parts.get(NOTE)
    (offset,) = (note._numbers("I", note.base + 4) or (0,)) if note else (0,)
    return Exif(
        parts[IMAGE].first() if IMAGE in parts else {},
        parts[PHOTO].first() if PHOTO in parts else {},
        (note, note.base + int(offset)) if note else None,
        {},
        parts[GPS].first() if GPS in parts else {},
    )
