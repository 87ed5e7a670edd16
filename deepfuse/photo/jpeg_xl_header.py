"""The header of a JPEG XL picture: ISO/IEC 18181-1, annex D, and 18181-2 for the boxes round it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from deepfuse.photo.boxes import boxes

CONTAINER = b"\0\0\0\x0cJXL \r\n\x87\n"
_START = b"\xff\x0a"
_HEAD = 256  # bytes: more than the header of a photo takes
_SIDES = ((1, 9), (1, 13), (1, 18), (1, 30))
_RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}  # width to height
_ENUM = ((0, 0), (1, 0), (2, 4), (18, 6))
_DEPTHS = ((8, 0), (10, 0), (12, 0), (1, 6))
_FLOAT_DEPTHS = ((32, 0), (16, 0), (24, 0), (1, 6))
_CHANNELS = ((0, 0), (1, 0), (2, 4), (1, 12))
_SHIFTS = ((0, 0), (3, 0), (4, 0), (1, 3))
_NAMES = ((0, 0), (0, 4), (16, 5), (48, 10))
_ALPHA = 0
_RGB, _GREY, _D65 = 0, 1, 1
_SRGB = (1, 13)
_PRIMARIES = {1: 1, 9: 9, 11: 12}  # of JPEG XL to H.273's: with white at D65, 11 is P3 of displays


@dataclass(frozen=True)
class JpegXl:
    """What the header says.

    Attributes:
        width: upright, in pixels.
        height: the same.
        bits: of a sample.
        floats: whether they are floating-point numbers.
        alpha: whether colours are stored times their alpha; `None` where there is none.
        codes: primaries and transfer as ITU-T H.273 numbers them; `None` for what it has no number of, or a profile.
        film: whether there are several frames.
    """

    width: int
    height: int
    bits: int
    floats: bool
    alpha: bool | None
    codes: tuple[int, int] | None
    film: bool = False


@dataclass
class _Bits:
    """Bits from the lowest of the first byte on; zeros behind the last."""

    value: int

    def take(self, count: int) -> int:
        taken = self.value & ((1 << count) - 1)
        self.value >>= count
        return taken

    def flag(self) -> bool:
        return bool(self.take(1))

    def number(self, choices: Sequence[tuple[int, int]]) -> int:
        """One of four offsets, and so many bits added to it."""
        offset, count = choices[self.take(2)]
        return offset + self.take(count)


def size_of_jpeg_xl(data: bytes) -> tuple[int, int]:
    """Width and height in pixels, as stored.

    Raises:
        ValueError: no JPEG XL.
    """
    return _size(_bits(data))


def read_jpeg_xl(data: bytes) -> JpegXl:
    """What a JPEG XL says of its picture.

    Raises:
        ValueError: no JPEG XL, or one of more channels than colours and an alpha.
    """
    bits = _bits(data)
    width, height = _size(bits)
    if bits.flag():  # all as it usually is
        return JpegXl(width, height, 8, False, None, _SRGB)
    orientation, film = 1, False
    if bits.flag():
        orientation = bits.take(3) + 1
        if bits.flag():
            _size(bits)
        if bits.flag():
            raise ValueError("expected a JPEG XL without a preview")
        film = bits.flag()
    if film:
        return JpegXl(width, height, 8, False, None, _SRGB, film)
    floats, depth = _depth(bits)
    bits.flag()  # whether 16 bits suffice for its buffers
    alpha = _alpha(bits)
    bits.flag()  # whether it is stored in XYB
    codes = _colours(bits)
    size = (height, width) if orientation > 4 else (width, height)
    return JpegXl(*size, depth, floats, alpha, codes)


def _depth(bits: _Bits) -> tuple[bool, int]:
    floats = bits.flag()
    depth = bits.number(_FLOAT_DEPTHS if floats else _DEPTHS)
    if floats:
        bits.take(4)
    return floats, depth


def _alpha(bits: _Bits) -> bool | None:
    if not (count := bits.number(_CHANNELS)):
        return None
    if count > 1:
        raise ValueError(f"expected colours and an alpha, got {count} channels beside the colours")
    if bits.flag():
        return False
    kind = bits.number(_ENUM)
    _depth(bits)
    bits.number(_SHIFTS)
    bits.take(8 * bits.number(_NAMES))
    if kind != _ALPHA:
        raise ValueError(f"expected colours and an alpha, got a channel of kind {kind}")
    return bits.flag()


def _colours(bits: _Bits) -> tuple[int, int] | None:
    if bits.flag():
        return _SRGB
    if bits.flag():  # an ICC profile, packed
        return None
    space = bits.number(_ENUM)
    if space not in (_RGB, _GREY) or bits.number(_ENUM) != _D65:
        return None
    primaries = _PRIMARIES.get(bits.number(_ENUM)) if space == _RGB else 1
    if primaries is None or bits.flag():  # or a gamma
        return None
    return primaries, bits.number(_ENUM)


def _size(bits: _Bits) -> tuple[int, int]:
    small = bits.flag()
    height = _side(bits, small)
    ratio = bits.take(3)
    if not ratio:
        return _side(bits, small), height
    across, down = _RATIOS[ratio]
    return height * across // down, height


def _side(bits: _Bits, small: bool) -> int:
    return 8 * (bits.take(5) + 1) if small else bits.number(_SIDES)


def _bits(data: bytes) -> _Bits:
    stream = _codestream(data) if data.startswith(CONTAINER) else data
    if not stream.startswith(_START) or len(stream) < 12:
        raise ValueError("expected JPEG XL, got other content")
    return _Bits(int.from_bytes(stream[2:_HEAD], "little"))


def _codestream(data: bytes) -> bytes:
    """The stream in the box of it, or the first part of one that is cut into several, behind its number."""
    for kind, content in boxes(data):
        if kind in (b"jxlc", b"jxlp"):
            return content if kind == b"jxlc" else content[4:]
    return b""
