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
MOST_BYTES = 1 << 16  # of a value: as much as a JPEG holds of EXIF
FEW_BYTES = 4096  # of a value where the directory's others take `LONG_VALUES` already
LONG_VALUES = 1 << 20
BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED, SRATIONAL, LONG8, UTF8 = 1, 2, 3, 4, 5, 7, 10, 16, 129
FORMATS = {
    1: "B", 2: "c", 3: "H", 4: "I", 5: "II", 6: "b", 7: "B", 8: "h", 9: "i", 10: "ii", 11: "f", 12: "d", 13: "I",
    16: "Q", 17: "q", 18: "Q", 129: "c",
}  # fmt: skip
TEXTS = (ASCII, UTF8)  # EXIF 3.0 has a type for UTF-8
EXIF_POINTER, GPS_POINTER, INTEROP_POINTER = 0x8769, 0x8825, 0xA005  # tags that tell where further directories lie
ORDERS = {b"II": "<", b"MM": ">"}
RATIOS = (RATIONAL, SRATIONAL)
MOST_DPI = 65_535  # dots per inch; JFIF has 16 bits for them
_BEYOND = 1 << 40  # bytes: no file is so long


@dataclass(frozen=True)
class Tag:
    """One tag: its type and count as TIFF names them, up to `MOST_BYTES`, and where its value lies in the file.

    `order` is "<" or ">".
    """

    kind: int
    count: int
    data: bytes
    offset: int
    order: str = "<"

    @property
    def numbers(self) -> tuple[float, ...]:
        """Its values; none of text. A ratio to 0 is infinite or no number: EXIF's endless and unknown."""
        if self.kind in TEXTS:
            return ()
        letters = FORMATS[self.kind]
        count = len(self.data) // size_of(self.kind) * len(letters)
        values = struct.unpack(f"{self.order}{count}{letters[0]}", self.data)
        if self.kind in RATIOS:
            return tuple(
                above / below if below else math.inf * above if above else math.nan
                for above, below in zip(values[::2], values[1::2], strict=True)
            )
        return values

    @property
    def text(self) -> str:
        """Its text up to the first zero byte, fit to be shown: no control characters. Empty for numbers."""
        return shown(self.data.split(b"\0")[0]) if self.kind in TEXTS else ""

    @property
    def whole(self) -> bool:
        """Whether `data` is all of the value."""
        return len(self.data) >= self.count * size_of(self.kind)


Tags = dict[int, Tag]


def decoded(written: bytes) -> str:
    """Text in UTF-8, or in Latin-1 where it is none."""
    try:
        return written.decode()
    except UnicodeDecodeError:
        return written.decode("latin-1")


def shown(written: bytes) -> str:
    """Text as people are shown it: what steers a terminal becomes a space."""
    return "".join(letter if letter.isprintable() else " " for letter in decoded(written)).strip()


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
        found, long = dict[int, Tag](), 0
        for place in self.places(offset):
            most = MOST_BYTES if long < LONG_VALUES else FEW_BYTES
            if place.kind in FORMATS and place.count and (tag := self._tag(place, most)):
                found[place.tag] = tag
                long += len(tag.data) if len(tag.data) > FEW_BYTES else 0
        return found

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

    def _tag(self, place: Place, most: int) -> Tag | None:
        size = size_of(place.kind)
        wanted = min(place.count, most // size) * size
        data = self.bytes(place.offset, wanted)
        whole = place.kind in TEXTS or len(data) == wanted
        return Tag(place.kind, place.count, data, self.base + place.offset, self.order) if whole else None

    def _numbers(self, fields: str, offset: int) -> tuple[int, ...] | None:
        data = self.bytes(offset, struct.calcsize("=" + fields))
        return struct.unpack(self.order + fields, data) if len(data) == struct.calcsize("=" + fields) else None


def size_of(kind: int) -> int:
    """Bytes of one value; 1 for types that TIFF 6.0 does not know."""
    return struct.calcsize("=" + FORMATS.get(kind, "B"))
