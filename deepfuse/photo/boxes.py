"""Boxes, of which JPEG 2000, AVIF and JPEG XL files are made: ISO/IEC 14496-12, and 15444-1 annex I."""

from __future__ import annotations

from collections.abc import Iterator

_MOST = 4096  # boxes within another one


def boxes(data: bytes, *, skipped: int = 0) -> Iterator[tuple[bytes, bytes]]:
    """Kind and content of the boxes that follow each other, up to the first that is cut or impossible.

    Args:
        data: a file, or the content of a box.
        skipped: bytes before the first box: version and flags of a full box.
    """
    at = skipped
    for _ in range(_MOST):
        size, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        start = at + 8
        if size == 1:
            size, start = int.from_bytes(data[at + 8 : at + 16], "big"), at + 16
        end = at + size if size else len(data)
        if len(kind) < 4 or not start <= end <= len(data):
            return
        yield kind, data[start:end]
        at = end


def box(data: bytes, *path: bytes) -> bytes:
    """The content of the first box of a kind, or of one below it; empty where there is none."""
    for wanted in path:
        data = next((content for kind, content in boxes(data) if kind == wanted), b"")
    return data
