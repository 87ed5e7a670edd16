"""Pixels that were never written: where a format has no check sum, a file not copied to its end holds zeros."""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO

_LEAST = 1 / 16  # of the pixels: a black border at the foot is narrower
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
