"""The size that a JPEG XL picture claims: ISO/IEC 18181-1, D.2, and 18181-2 for the boxes round it."""

from __future__ import annotations

from dataclasses import dataclass

from deepfuse.photo.boxes import boxes

_START = b"\xff\x0a"
_CONTAINER = b"\0\0\0\x0cJXL \r\n\x87\n"
_LENGTHS = (9, 13, 18, 30)  # bits of a side
_RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}  # width to height


@dataclass
class _Bits:
    """Bits from the lowest of the first byte on."""

    value: int

    def take(self, count: int) -> int:
        taken = self.value & ((1 << count) - 1)
        self.value >>= count
        return taken


def size_of_jpeg_xl(data: bytes) -> tuple[int, int]:
    """Width and height in pixels, as stored.

    Raises:
        ValueError: no JPEG XL.
    """
    stream = _codestream(data) if data.startswith(_CONTAINER) else data
    if not stream.startswith(_START) or len(stream) < 14:
        raise ValueError("expected JPEG XL, got other content")
    bits = _Bits(int.from_bytes(stream[2:14], "little"))
    small = bool(bits.take(1))
    height = _side(bits, small)
    ratio = bits.take(3)
    if not ratio:
        return _side(bits, small), height
    across, down = _RATIOS[ratio]
    return height * across // down, height


def _side(bits: _Bits, small: bool) -> int:
    return 8 * (bits.take(5) + 1) if small else bits.take(_LENGTHS[bits.take(2)]) + 1


def _codestream(data: bytes) -> bytes:
    """The stream in the box of it, or the first part of one that is cut into several, behind its number."""
    for kind, content in boxes(data):
        if kind in (b"jxlc", b"jxlp"):
            return content if kind == b"jxlc" else content[4:]
    return b""
