"""What a camera's own tags (its maker note) say of bracketing, as one value for all makers.

Read here, because Exiv2's Python packages are GPL-3 and other readers' maker notes tell nothing of bracketing. Tag
numbers and meanings after the tag tables of ExifTool and Exiv2. What a tag does not say stays unknown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from deepfuse.metadata.tiff import ORDERS, Block, integer, number

Kind = Literal["exposure", "some", "focus", "white balance", "other", "none"]


@dataclass(frozen=True)
class Bracketing:
    """A frame's part in a bracket; `None` where the maker note does not say.

    Attributes:
        kind: what the camera varied; "some" where it says only that it was bracketing.
        number: the frame's place in the sequence, from 1.
        length: how many frames the sequence was set to.
        offset_ev: the frame's exposure relative to the metered one, in stops; larger is brighter.
    """

    kind: Kind | None = None
    number: int | None = None
    length: int | None = None
    offset_ev: float | None = None


UNKNOWN = Bracketing()


def read_bracketing(make: str, block: Block, at: int) -> Bracketing:
    """The bracketing that a maker note tells; unknown for makers that are not read here.

    Args:
        make: EXIF Make.
        block: the structure that the note lies in.
        at: where in the file the note begins.
    """
    reader = next((read for name, read in _MAKERS.items() if make.upper().startswith(name)), None)
    return reader(block, at) if reader else UNKNOWN


def _signed(value: int | None) -> int:
    return 0 if value is None else (value + 0x8000) % 0x10000 - 0x8000


def _place(value: int | None) -> int | None:
    """A place in a sequence: zero, negative and all-ones mean that there is none."""
    return value if value and 0 < value < 1000 else None


def _starts(block: Block, at: int, length: int = 16) -> bytes:
    return block.bytes(at - block.base, length)


def _canon(block: Block, at: int) -> Bracketing:
    tags = block.tags(at - block.base)
    mode, aeb = integer(tags, 0x93, 3), _signed(integer(tags, 0x04, 16))
    kinds: dict[int | None, Kind] = {1: "exposure", 2: "focus", 3: "exposure", 4: "white balance"}
    kind: Kind | None = kinds.get(mode)
    if kind is None and aeb:  # older bodies leave BracketMode at 0
        kind = "exposure"
    if kind is None and integer(tags, 0x01, 50) == 1:
        kind = "focus"
    if kind is None and _signed(integer(tags, 0x93, 9)) > 0:
        kind = "white balance"
    if kind is None:
        return Bracketing("none" if mode == 0 or 0x04 in tags else None)
    value = integer(tags, 0x04, 17)
    place = _place(integer(tags, 0x93, 5)) or _place(aeb)
    return Bracketing(kind, place, None, None if value is None else _canon_ev(_signed(value)))


def _canon_ev(value: int) -> float:
    """Canon's stops: 32nds, where 12 and 20 stand for a third and two thirds."""
    fraction = abs(value) & 0x1F
    stops = (abs(value) - fraction) / 32 + {12: 1 / 3, 20: 2 / 3}.get(fraction, fraction / 32)
    return stops if value >= 0 else -stops


def _nikon(block: Block, at: int) -> Bracketing:
    if _starts(block, at)[:7] != b"Nikon\0\2":
        return UNKNOWN
    order = ">" if _starts(block, at + 10, 2) == b"MM" else "<"
    tags = Block(block.file, at + 10, order).first()
    mode = integer(tags, 0x89)
    if mode is None:
        return UNKNOWN
    bits: dict[int, Kind] = {4: "exposure", 6: "white balance", 8: "other"}
    kind: Kind = next((kind for bit, kind in bits.items() if mode >> bit & 1), "none")
    return Bracketing(kind, offset_ev=number(tags, 0x19) if kind == "exposure" else None)


def _sony(block: Block, at: int) -> Bracketing:
    skip = 12 if _starts(block, at)[:5] == b"SONY " else 0
    tags = block.tags(at + skip - block.base)
    kinds: dict[int | None, Kind] = {0: "none", 2: "none", 5: "exposure", 6: "white balance", 8: "other"}
    kind = kinds.get(integer(tags, 0xB049))
    return Bracketing(kind, _place(integer(tags, 0xB04A)) if kind == "exposure" else None)


def _fujifilm(block: Block, at: int) -> Bracketing:
    start = _starts(block, at)
    if start[:8] != b"FUJIFILM":
        return UNKNOWN
    tags = Block(block.file, at, "<").tags(int.from_bytes(start[8:12], "little"))
    kinds: dict[int | None, Kind] = {0: "none", 1: "some", 2: "other", 6: "other"}
    kind = kinds.get(integer(tags, 0x1100))
    return Bracketing(kind, _place(integer(tags, 0x1101)) if kind == "some" else None)


def _panasonic(block: Block, at: int) -> Bracketing:
    if _starts(block, at)[:9] != b"Panasonic":
        return UNKNOWN
    tags = block.tags(at + 12 - block.base)
    kinds: dict[int | None, Kind] = {
        0: "none", 1: "none", 2: "exposure", 3: "focus", 4: "none", 8: "white balance", 17: "none", 18: "other",
    }  # fmt: skip
    kind = kinds.get(integer(tags, 0x2A))
    if kind != "exposure":
        return Bracketing(kind)
    length = {1: 3, 2: 3, 3: 5, 4: 5, 5: 7, 6: 7}.get(integer(tags, 0x45) or 0)
    return Bracketing(kind, _place(integer(tags, 0x2B)), length)


def _olympus(block: Block, at: int) -> Bracketing:
    start = _starts(block, at)
    if start[:8] == b"OLYMPUS\0":
        inner, first = Block(block.file, at, ">" if start[8:10] == b"MM" else "<"), 12
    elif start[:9] == b"OM SYSTEM":
        inner, first = Block(block.file, at, ">" if start[12:14] == b"MM" else "<"), 16
    else:
        return UNKNOWN
    settings = integer(inner.tags(first), 0x2020)
    tags = inner.tags(settings) if settings else {}
    mode, bits = integer(tags, 0x600), integer(tags, 0x600, 2) or 0
    kinds: dict[int | None, Kind] = {0: "none", 1: "none", 2: "exposure", 3: "white balance", 4: "exposure"}
    kind = kinds.get(mode)
    if mode == 5:  # bits: exposure, white balance, flash, manual focus, ISO, automatic exposure, focus
        kind = next((k for mask, k in _OLYMPUS_BITS.items() if bits & mask), "other")
    return Bracketing(kind, _place(integer(tags, 0x600, 1)) if kind == "exposure" else None)


_OLYMPUS_BITS: dict[int, Kind] = {1 | 32 | 16: "exposure", 8 | 64: "focus", 2: "white balance"}


def _pentax(block: Block, at: int) -> Bracketing:
    start = _starts(block, at)
    if start[:4] == b"AOC\0":
        order = "<" if start[6] else ">"  # as the count of tags lies: the letters before it are not to be trusted
        inner, first = Block(block.file, block.base, order), at + 6 - block.base
    elif start[:8] == b"PENTAX \0":
        inner, first = Block(block.file, at, ORDERS.get(start[8:10], block.order)), 10
    else:
        return UNKNOWN
    step, extended = integer(inner.tags(first), 0x18), integer(inner.tags(first), 0x18, 1)
    if step is None:
        return UNKNOWN
    return Bracketing("exposure" if step else "other" if extended else "none")


_MAKERS: dict[str, Callable[[Block, int], Bracketing]] = {
    "CANON": _canon, "NIKON": _nikon, "SONY": _sony, "FUJIFILM": _fujifilm, "PANASONIC": _panasonic,
    "OLYMPUS": _olympus, "OM DIGITAL": _olympus, "PENTAX": _pentax, "RICOH": _pentax,
}  # fmt: skip
