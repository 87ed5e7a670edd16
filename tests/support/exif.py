"""EXIF blocks and JPEG segments byte by byte, as files of the world have them and no writer makes them."""

from __future__ import annotations

import struct
from collections.abc import Mapping

Value = tuple[int, int, bytes]
"""Type, count and bytes of a tag, in the order of the block."""
EXIF, GPS = 0x8769, 0x8825


def exif_block(
    image: Mapping[int, Value], photo: Mapping[int, Value] | None = None, gps: Mapping[int, Value] | None = None,
    *, order: str = ">",
) -> bytes:  # fmt: skip
    """A TIFF structure of a first directory and those it points to."""
    below = {tag: values for tag, values in ((EXIF, photo), (GPS, gps)) if values}
    first = {**image, **dict.fromkeys(below, (4, 1, bytes(4)))}
    at = 8 + len(_directory(first, 8, order))
    tail = b""
    for tag, values in below.items():
        first[tag] = (4, 1, struct.pack(order + "I", at + len(tail)))
        tail += _directory(values, at + len(tail), order)
    magic = b"II*\0" if order == "<" else b"MM\0*"
    return magic + struct.pack(order + "I", 8) + _directory(first, 8, order) + tail


def _directory(values: Mapping[int, Value], at: int, order: str) -> bytes:
    rows, long = b"", b""
    place = at + 2 + 12 * len(values) + 4
    for tag, (kind, count, data) in sorted(values.items()):
        if len(data) > 4:
            data, long = struct.pack(order + "I", place + len(long)), long + data
        rows += struct.pack(order + "HHI", tag, kind, count) + data.ljust(4, b"\0")
    return struct.pack(order + "H", len(values)) + rows + bytes(4) + long


def text(data: bytes) -> Value:
    return 2, len(data) + 1, data + b"\0"


def ratios(*numbers: int, order: str = ">") -> Value:
    return 5, len(numbers) // 2, struct.pack(f"{order}{len(numbers)}I", *numbers)


def segment(marker: int, data: bytes) -> bytes:
    """A segment of a JPEG, such as 0xE1 for APP1."""
    return b"\xff" + bytes([marker]) + struct.pack(">H", 2 + len(data)) + data


def with_segments(jpeg: bytes, *segments: bytes) -> bytes:
    """A JPEG with these before all others but JFIF's."""
    at = 2 + 2 + int.from_bytes(jpeg[4:6], "big") if jpeg[2:4] == b"\xff\xe0" else 2
    return jpeg[:at] + b"".join(segments) + jpeg[at:]
