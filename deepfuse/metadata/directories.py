"""TIFF 6.0 directories (section 2) to bytes, little-endian: of EXIF blocks, TIFF pictures and simulated RAW files.

Pillow's own writer, `ImageFileDirectory_v2`, does not serve here: it moves the offsets of strips, writes question marks
for letters beyond ASCII, and takes values only, so that entries of a picture that is there already cannot stay.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from deepfuse.metadata.tiff import ASCII, FORMATS, RATIOS

HEADER = b"II*\0"
_FINEST = 1_000_000  # denominator of a ratio that was read as a float


@dataclass(frozen=True)
class Entry:
    """One tag of a directory: its number, its type and count as TIFF names them, its value."""

    tag: int
    kind: int
    count: int
    data: bytes


Entries = tuple[Entry, ...]


def entry_of_text(tag: int, text: str) -> Entry:
    """A tag of text, in UTF-8, as EXIF readers expect it beyond ASCII."""
    data = text.encode() + b"\0"
    return Entry(tag, ASCII, len(data), data)


def entry_of_numbers(tag: int, kind: int, numbers: Sequence[float]) -> Entry:
    """A tag of numbers, ratios as close as denominators up to a million bring them.

    Raises:
        struct.error: a number does not fit into the type.
    """
    values = [part for number in numbers for part in _ratio(number)] if kind in RATIOS else numbers
    data = b"".join(struct.pack("<" + FORMATS[kind][0], value) for value in values)
    return Entry(tag, kind, len(numbers), data)


def directory(entries: Sequence[Entry], at: int, packed: Mapping[int, bytes] | None = None) -> bytes:
    """A directory that will lie at byte `at`, its long values behind it.

    Args:
        entries: its tags; values are laid down in this order.
        at: where it will lie in the file.
        packed: rows of 12 bytes by tag that stay as they are, their values lying elsewhere in the file.
    """
    rows = dict(packed or {}) | {entry.tag: b"" for entry in entries}
    place = at + 2 + 12 * len(rows) + 4
    values = b""
    for entry in entries:
        value = entry.data.ljust(4, b"\0")
        if len(value) > 4:
            value, values = struct.pack("<I", place + len(values)), values + entry.data + b"\0" * (len(entry.data) % 2)
        rows[entry.tag] = struct.pack("<HHI", entry.tag, entry.kind, entry.count) + value
    return struct.pack("<H", len(rows)) + b"".join(rows[tag] for tag in sorted(rows)) + bytes(4) + values


def _ratio(number: float) -> tuple[int, int]:
    fraction = Fraction(number).limit_denominator(_FINEST)
    return fraction.numerator, fraction.denominator
