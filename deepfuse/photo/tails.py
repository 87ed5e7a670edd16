"""Pixels that were never written: a file not copied to its end holds one byte there again and again.

Where a format has no check sum, decoders make a picture of that all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO

_LEAST = 1 / 16  # of the pixels, or of a file of packed ones: a black border at the foot is narrower
_END = b"\xff\xd9"  # of a JPEG, and of JPEG 2000's codestream: what pads a file behind it is no picture
_CHUNK = 1 << 20  # bytes


def zero_tail(file: BinaryIO, segments: Sequence[tuple[int, int]]) -> tuple[str, ...]:
    """A warning where the last part of unpacked pixels holds nothing but zeros, and the part before it more.

    Args:
        file: open for reading.
        segments: offset and bytes of each strip or tile, in their order.
    """
    total = sum(count for _, count in segments)
    zeros = _zeros_at_the_end(file, segments)
    if not _LEAST * total <= zeros < total:
        return ()
    return (f"the last {zeros / total:.0%} of its pixels are zeros: it may be a copy that was never finished",)


def constant_tail(file: BinaryIO) -> tuple[str, ...]:
    """A warning where the last part of a file of packed pixels is one byte again and again.

    Args:
        file: open for reading; its pixels lie at its end.
    """
    file.seek(0)
    data = file.read()
    rest = data.rstrip(data[-1:])
    share = 1 - len(rest) / max(len(data), 1)
    if share < _LEAST or rest.endswith(_END):
        return ()
    return (f"the last {share:.0%} of the file is one byte again and again: it may be a copy that was never finished",)


def _zeros_at_the_end(file: BinaryIO, segments: Sequence[tuple[int, int]]) -> int:
    found = 0
    for offset, count in reversed(segments):
        for end in range(count, 0, -_CHUNK):
            start = max(0, end - _CHUNK)
            file.seek(offset + start)
            data = file.read(end - start)
            found += len(data) - len(data.rstrip(b"\0"))
            if data.rstrip(b"\0"):
                return found
    return found
