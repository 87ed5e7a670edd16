"""Pixels that were never written: a file not copied to its end holds one byte there again and again.

Where a format has no check sum, decoders make a picture of that all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO

_LEAST = 1 / 16  # of the pixels, or of packed bytes: a black border at the foot is narrower
_LEAST_WHITE = 1 / 4  # of the pixels: snow or a wall at the foot of a bright exposure is all white, and may be large
_FEWEST = 64  # packed bytes: a flat picture is packed into few
_END = b"\xff\xd9"  # of a JPEG, and of JPEG 2000's codestream: what pads a file behind it is no picture
_CHUNK = 1 << 20  # bytes
_REPEATED = "is one byte again and again: it may be a copy that was never finished"
_ZERO, _ONES = b"\0", b"\xff"

Segments = Sequence[tuple[int, int]]
"""Offset and bytes of each strip or tile, in their order."""


def unpacked_tail(file: BinaryIO, segments: Segments, *, white: bool) -> tuple[str, ...]:
    """A warning where the last part of unpacked pixels holds nothing but zeros or ones, and the part before it more.

    Args:
        file: open for reading.
        segments: of the pixels.
        white: whether bytes of ones can be white pixels, as they are no number as floats; then more of them are needed.
    """
    total = sum(count for _, count in segments)
    for byte, least, what in ((_ZERO, _LEAST, "zeros"), (_ONES, _LEAST_WHITE if white else _LEAST, "ones")):
        found, _ = _run_at_the_end(file, segments, byte)
        if least * total <= found < total:
            return (f"the last {found / total:.0%} of its pixels are {what}: it may be a copy that was never finished",)
    return ()


def packed_tail(file: BinaryIO, segments: Segments) -> tuple[str, ...]:
    """A warning where the last part of packed strips or tiles is one byte again and again, as no packing leaves it.

    Args:
        file: open for reading.
        segments: of the pixels; what counts is how they lie in the file.
    """
    placed = sorted(segments)
    total = sum(count for _, count in placed)
    file.seek(sum(placed[-1]) - 1 if placed else 0)
    found, before = _run_at_the_end(file, placed, file.read(1) or _ZERO)
    if found < max(_LEAST * total, _FEWEST) or before.endswith(_END):
        return ()
    return (f"the last {found / total:.0%} of its packed pixels {_REPEATED}",)


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
    return (f"the last {share:.0%} of the file {_REPEATED}",)


def _run_at_the_end(file: BinaryIO, segments: Segments, byte: bytes) -> tuple[int, bytes]:
    """How many bytes at the end are this one, and some of what stands before them."""
    found = 0
    for offset, count in reversed(segments):
        for end in range(count, 0, -_CHUNK):
            start = max(0, end - _CHUNK)
            file.seek(offset + start)
            data = file.read(end - start)
            rest = data.rstrip(byte)
            found += len(data) - len(rest)
            if rest:
                return found, rest
    return found, b""
