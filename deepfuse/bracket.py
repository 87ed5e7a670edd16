"""A bracket: frames of one scene at several exposures, its files and id, and the exposure value."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

RAW_SUFFIXES = frozenset(
    f".{name}"
    for name in (
        "3fr arw cr2 cr3 crw dcr dng erf fff iiq k25 kdc mef mos mrw nef nrw orf pef raf raw rw2 rwl sr2 srf srw x3f"
    ).split()
)
PHOTO_SUFFIXES = RAW_SUFFIXES | frozenset(
    f".{name}" for name in "jpg jpeg jpe jfif png tif tiff heic heif hif avif webp jp2 j2k jpx jxl".split()
)
RADIANCE_SUFFIX = ".hdr"
LONGEST_ID_BYTES = 200
_BYTES = re.compile("[\udc80-\udcff]+")  # how Python hands on the bytes of a name that it cannot decode
CONTROLS = re.compile(  # what moves a terminal's cursor or colours, breaks a line, or turns the order of letters round
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
_PICTURES = 0x2400  # ␀, the first of Unicode's pictures of control characters; ␡ is apart


@dataclass(frozen=True)
class Exposure:
    """How one frame was exposed; `None` where the file does not say."""

    time_s: float | None = None
    iso: float | None = None
    f_number: float | None = None

    @property
    def ev(self) -> float | None:
        """Exposure value at ISO 100, log2(N²/t) − log2(ISO/100), in stops; larger is darker (ISO 2720:1974).

        A missing ISO counts as 100 and a missing aperture as f/1, since only differences within a bracket
        matter. `None` without an exposure time.

        >>> Exposure(time_s=1 / 256, iso=100, f_number=8).ev
        14.0
        """
        if not self.time_s:
            return None
        return math.log2((self.f_number or 1.0) ** 2 / self.time_s) - math.log2((self.iso or 100.0) / 100.0)


@dataclass(frozen=True)
class Frame:
    """One exposure of a bracket, as the manifest records it; sizes in pixels, upright.

    `profile` names the colour profile of the file, empty for none; the pixels are sRGB whatever it was.
    """

    file: str
    sha256: str
    camera: str
    exposure: Exposure
    ev: float | None
    width: int
    height: int
    profile: str = ""


@dataclass(frozen=True)
class BracketFiles:
    """The files of one scene: two or more photos, or one radiance map."""

    scene: str
    files: tuple[Path, ...]


def printable(text: str) -> str:
    """Text of others (a file's name, what EXIF or XMP say) as text that can go to a terminal, a log or a page.

    Control characters become pictures of themselves, so that a name stays one line and commands no terminal; bytes that
    are no UTF-8, and marks that turn the direction of writing, become replacement characters.

    >>> printable("a\\x1b[31m\\nb")
    'a␛[31m␊b'
    """
    if text.isprintable():
        return text
    known = _BYTES.sub(lambda found: found[0].encode("utf-8", "surrogateescape").decode("utf-8", "replace"), text)
    return CONTROLS.sub(lambda found: _picture(ord(found[0])), known)


def printable_lines(text: str) -> str:
    """The same of a text of several lines: those stay."""
    return "\n".join(map(printable, text.split("\n")))


def _picture(code: int) -> str:
    if code == 0x7F:
        return "␡"
    return chr(_PICTURES + code) if code < 0x20 else "\N{REPLACEMENT CHARACTER}"


def scene_id(parts: Sequence[str]) -> str:
    """A scene's id: the parts of its path joined; where that is too long for a folder's name, its start and a hash.

    >>> scene_id(["card 1", "DSC_0010"])
    'card 1__DSC_0010'
    """
    name = printable("__".join(parts))
    digest = hashlib.sha256(name.encode()).hexdigest()[:12]
    return name if len(name.encode()) <= LONGEST_ID_BYTES else f"{name[:40]}_{digest}"
