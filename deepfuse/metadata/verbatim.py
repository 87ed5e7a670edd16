"""Tags as they were read → entries to be written: the same type, count and bytes, in little-endian order."""

from __future__ import annotations

import struct

from deepfuse.metadata.directories import Entry
from deepfuse.metadata.tiff import FORMATS, LONG8, TEXTS, UNDEFINED, Tag, size_of

USER_COMMENT, _GPS_METHOD, _GPS_AREA = 0x9286, 0x001B, 0x001C
_CODED = {USER_COMMENT, _GPS_METHOD, _GPS_AREA}  # text behind the name of its code: EXIF 2.32, 4.6.5
_UNICODE = b"UNICODE\0"
_WHOLE = {1: "B", 2: "H", 4: "I", 8: "Q"}


def entry_of_tag(key: int, tag: Tag) -> Entry | None:
    """A tag of a classic TIFF as it was; `None` for one that was not read to its end.

    Ratios stay what they are, also those to zero, which EXIF writes for what is endless or unknown.
    """
    if not tag.whole or (tag.kind >= LONG8 and tag.kind not in TEXTS):
        return None
    coded = tag.kind == UNDEFINED and key in _CODED
    return Entry(key, tag.kind, tag.count, _coded(tag) if coded else _little_endian(tag))


def says_nothing(tag: Tag) -> bool:
    """Whether it is a text of blanks, as cameras leave for an author, or has no value."""
    return not tag.data or (tag.kind in TEXTS and not tag.data.strip(b"\0 "))


def _little_endian(tag: Tag) -> bytes:
    if tag.order == "<":
        return tag.data
    width = size_of(tag.kind) // len(FORMATS[tag.kind])
    count = len(tag.data) // width
    return struct.pack(f"<{count}{_WHOLE[width]}", *struct.unpack(f">{count}{_WHOLE[width]}", tag.data))


def _coded(tag: Tag) -> bytes:
    """A coded text; UTF-16, whose order of bytes nobody states, in the order of the block that is written."""
    if not tag.data.startswith(_UNICODE):
        return tag.data
    text = tag.data[len(_UNICODE) :]
    text, odd = text[: len(text) // 2 * 2], text[len(text) // 2 * 2 :]
    if text.startswith((b"\xff\xfe", b"\xfe\xff")):
        return tag.data  # a mark says it
    pairs = [text[at : at + 2] for at in range(0, len(text), 2)]
    first, second = len({pair[0] for pair in pairs}), len({pair[1] for pair in pairs})
    # Letters of one script share their high byte. Where that does not tell, the order of the file counts.
    big = first < second if first != second else tag.order == ">"
    return _UNICODE + (b"".join(pair[::-1] for pair in pairs) if big else text) + odd
