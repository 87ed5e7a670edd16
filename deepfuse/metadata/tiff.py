"""The directories of tags (IFDs) of TIFF 6.0, in which EXIF lies, read with no trust in the file.

Pillow's own reader, `ImageFileDirectory_v2`, does not serve here: the first tag whose value is cut short costs all tags
after it, damage is printed as warnings, the headers of Olympus' and Panasonic's RAW files are refused, and where a
value lies, by which maker notes are found, is not told.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass, replace
from typing import BinaryIO

MOST_TAGS = 500
MOST_BYTES = 4096
BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED, SRATIONAL = 1, 2, 3, 4, 5, 7, 10
FORMATS = {
    1: "B", 2: "c", 3: "H", 4: "I", 5: "II", 6: "b", 7: "B", 8: "h", 9: "i", 10: "ii", 11: "f", 12: "d", 13: "I",
}  # fmt: skip
EXIF_POINTER, GPS_POINTER, INTEROP_POINTER = 0x8769, 0x8825, 0xA005  # tags that tell where further directories lie
ORDERS = {b"II": "<", b"MM": ">"}
RATIOS = (RATIONAL, SRATIONAL)
_BEYOND = 1 << 40  # bytes: no file is so long


@dataclass(frozen=True)
class Tag:
    """One tag: its type and count as TIFF names them, its first `MOST_BYTES`, and where its value lies in the file.

    `order` is "<" or ">".
    """

    kind: int
    count: int
    data: bytes
    offset: int
    order: str = "<"

    @property
    def numbers(self) -> tuple[float, ...]:
        """Its values; none of text, and 0 for a ratio to 0."""
        if self.kind == ASCII:
            return ()
        letters = FORMATS[self.kind]
        count = len(self.data) // size_of(self.kind) * len(letters)
        values = struct.unpack(f"{self.order}{count}{letters[0]}", self.data)
        if self.kind in RATIOS:
            return tuple(
                above / below if below else 0.0 for above, below in zip(values[::2], values[1::2], strict=True)
            )
        return values

    @property
    def text(self) -> str:
        """Its text up to the first zero byte; empty for numbers."""
        return self.data.split(b"\0")[0].decode("utf-8", "replace").strip() if self.kind == ASCII else ""


Tags = dict[int, Tag]


def number(tags: Tags, key: int, index: int = 0) -> float | None:
    """One of a tag's numbers; `None` if it has fewer, or it is not finite."""
    numbers = tags[key].numbers if key in tags else ()
    return float(numbers[index]) if index < len(numbers) and math.isfinite(numbers[index]) else None


def integer(tags: Tags, key: int, index: int = 0) -> int | None:
    """One of a tag's numbers, cut to a whole one; `None` likewise."""
    value = number(tags, key, index)
    return None if value is None else int(value)


def text(tags: Tags, key: int) -> str:
    """A tag's text; empty where there is none."""
    return tags[key].text if key in tags else ""


@dataclass(frozen=True)
class Place:
    """What a directory says of a tag, before its value is read; `offset` counts from the start of the structure."""

    tag: int
    kind: int
    count: int
    offset: int

    @property
    def bytes(self) -> int:
        """How many the value takes."""
        return self.count * size_of(self.kind)


@dataclass(frozen=True)
class Block:
    """A TIFF structure inside a file: offsets count from `base`; `order` is "<" or ">"."""

    file: BinaryIO
    base: int
    order: str

    def tags(self, offset: int) -> Tags:
        """The tags of the directory at an offset; damaged ones are missing."""
        places = [place for place in self.places(offset) if place.kind in FORMATS and place.count]
        return {place.tag: tag for place in places if (tag := self._tag(place))}

    def places(self, offset: int) -> list[Place]:
        """The entries of the directory at an offset, as many as the file holds; none of one that is too long."""
        (count,) = self._numbers("H", offset) or (0,)
        rows = self.bytes(offset + 2, 12 * count) if count <= MOST_TAGS else b""
        found = []
        for index, row in enumerate(struct.iter_unpack(f"{self.order}HHII", rows[: len(rows) // 12 * 12])):
            tag, kind, values, at = row
            place = Place(tag, kind, values, at)
            found.append(place if place.bytes > 4 else replace(place, offset=offset + 2 + 12 * index + 8))
        return found

    @property
    def start(self) -> int:
        """Where the first directory lies, as the structure's header says; 0 if nowhere."""
        return (self._numbers("I", 4) or (0,))[0]

    def first(self) -> Tags:
        """The tags of the first directory."""
        return self.tags(self.start) if self.start else {}

    def second(self) -> Tags:
        """The tags of the directory after the first one, which in EXIF describes the thumbnail."""
        start = self.start
        (count,) = self._numbers("H", start) or (0,)
        (after,) = self._numbers("I", start + 2 + 12 * count) or (0,)
        return self.tags(after) if start and after else {}

    def bytes(self, offset: int, count: int) -> bytes:
        """Up to `count` bytes from an offset; none from one that no file has."""
        at = self.base + offset
        if not 0 <= at < _BEYOND:
            return b""
        self.file.seek(at)
        return self.file.read(count)

    def _tag(self, place: Place) -> Tag | None:
        size = size_of(place.kind)
        wanted = min(place.count, MOST_BYTES // size) * size
        data = self.bytes(place.offset, wanted)
        whole = place.kind == ASCII or len(data) == wanted
        return Tag(place.kind, place.count, data, self.base + place.offset, self.order) if whole else None

    def _numbers(self, fields: str, offset: int) -> tuple[int, ...] | None:
        data = self.bytes(offset, struct.calcsize("=" + fields))
        return struct.unpack(self.order + fields, data) if len(data) == struct.calcsize("=" + fields) else None


def size_of(kind: int) -> int:
    """Bytes of one value; 1 for types that TIFF 6.0 does not know."""
    return struct.calcsize("=" + FORMATS.get(kind, "B"))
