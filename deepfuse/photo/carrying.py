"""Metadata of a bracket's frames → those of the picture fused from them."""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import deepfuse
from deepfuse.bracket import printable
from deepfuse.photo.embedded import Embedded, Entries, Entry
from deepfuse.photo.heic import read_blocks
from deepfuse.photo.ifd import FORMATS, MOST_BYTES, RATIONAL, TEXT, Exif, Tags, read_exif
from deepfuse.photo.kinds import kind_of
from deepfuse.photo.profiles import srgb_profile
from deepfuse.photo.xmp import read_xmp

LARGEST_BLOCK = 60_000  # a JPEG segment holds 65,533 bytes
SHORT_BYTES = 256
MOST_CARRIED = 2000
_FINEST = 1_000_000  # denominator of a rational that was read as a float
_ASCII, _SHORT, _LONG = 2, 3, 4

# EXIF 2.32. Beside these, a TIFF or RAW file's first directory says how its own pixels lie, which must not be carried.
_IMAGE = {0x010E, 0x010F, 0x0110, 0x0132, 0x013B, 0x013C, 0x4746, 0x4749, 0x8298, *range(0x9C9B, 0x9CA0)}
_EXPOSED = {0x829A, 0x829D, 0x8822, 0x8827, *range(0x8830, 0x8836), 0x9201, 0x9202, 0x9203, 0xA407}
_PHOTO = {
    0x8824, 0x9000, 0x9003, 0x9004, 0x9010, 0x9011, 0x9012, *range(0x9205, 0x920B), 0x9286, 0x9290, 0x9291, 0x9292,
    *range(0x9400, 0x9406), 0xA000, 0xA20E, 0xA20F, 0xA210, 0xA217, 0xA300, 0xA301, 0xA401, 0xA403, 0xA404, 0xA405,
    0xA406, 0xA408, 0xA409, 0xA40A, 0xA40C, *range(0xA430, 0xA436),
}  # fmt: skip
_SOFTWARE, _ORIENTATION, _EXIF_VERSION, _COLOUR_SPACE, _WIDTH, _HEIGHT = 0x131, 0x112, 0x9000, 0xA001, 0xA002, 0xA003
_SRGB = 1
_MARKS = (b"Exif\0\0", b"eXIf")
_WHERE_EXIF_LIES = 1 << 18  # bytes from the start


@dataclass(frozen=True)
class Carried:
    """What goes into the fused file, and what could not be carried over."""

    embedded: Embedded
    warnings: tuple[str, ...] = ()


def carry(paths: Sequence[Path], base: int, *, width: int, height: int) -> Carried:
    """The metadata of a fused picture: those of one frame, less what is true of that frame only.

    Exposure time, aperture, ISO and what follows from them stay where all frames agree. Exposure compensation and
    mode, maker note and thumbnail go. Orientation, colour space, size and software are the fused picture's own.

    Args:
        paths: the frames' files.
        base: the index of the frame whose metadata are carried over.
        width: of the fused picture, in pixels.
        height: likewise.

    Returns:
        The metadata; those of a damaged file are missing, which is a warning.
    """
    exifs, warnings = zip(*(_read(path) for path in paths), strict=True)
    own = exifs[base]
    taken = [_taken(exif) for exif in exifs]
    photo = {tag: value for tag, value in taken[base].items() if tag in _PHOTO or _agree(taken, tag)}
    xmp, trouble = read_xmp(paths[base])
    embedded = Embedded(
        image=_entries({tag: own.image[tag] for tag in _IMAGE & own.image.keys()}, _made()),
        photo=_entries(photo, _shape(width, height, versioned=_EXIF_VERSION in photo)),
        gps=_entries(own.gps, ()),
        xmp=xmp,
        icc=srgb_profile(),
    )
    if len(embedded.exif_block()) > LARGEST_BLOCK:
        trouble = (*trouble, f"{printable(paths[base].name)}: expected less EXIF, long tags are dropped")
        embedded = replace(embedded, image=_short(embedded.image), photo=_short(embedded.photo), gps=())
    return Carried(embedded, (*(text for text in warnings if text), *trouble))


def _read(path: Path) -> tuple[Exif, str]:
    """The EXIF of a frame, and a warning where it claims to have some and none can be read."""
    try:
        with io.BytesIO(read_blocks(path)[0]) if kind_of(path) == "HEIC" else path.open("rb") as file:
            exif = read_exif(file)
    except Exception:  # EXIF is written by anyone: damage must not stop the fusion
        exif = Exif({}, {}, None)
    return exif, f"{printable(path.name)}: damaged EXIF, which is not carried over" * (not exif.image and _claims(path))


def _claims(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.read(_WHERE_EXIF_LIES)
    return any(mark in start for mark in _MARKS)


def _taken(exif: Exif) -> Tags:
    """How the photo was taken; some RAW files say so in their first directory."""
    return {tag: value for tag, value in (exif.image | exif.photo).items() if tag in _PHOTO | _EXPOSED}


def _agree(taken: Sequence[Tags], tag: int) -> bool:
    values = [(tags[tag].numbers, tags[tag].text) if tag in tags else None for tags in taken]
    return all(value == values[0] for value in values)


def _made() -> Entries:
    text = f"deepfuse {deepfuse.__version__}".encode() + b"\0"
    return Entry(_ORIENTATION, _SHORT, 1, struct.pack("<H", 1)), Entry(_SOFTWARE, _ASCII, len(text), text)


def _shape(width: int, height: int, *, versioned: bool) -> Entries:
    sizes = (Entry(tag, _LONG, 1, struct.pack("<I", px)) for tag, px in ((_WIDTH, width), (_HEIGHT, height)))
    stated = () if versioned else (Entry(_EXIF_VERSION, 7, 4, b"0232"),)
    return Entry(_COLOUR_SPACE, _SHORT, 1, struct.pack("<H", _SRGB)), *sizes, *stated


def _entries(tags: Tags, own: Entries) -> Entries:
    found = [entry for tag, value in tags.items() if (entry := _entry(tag, value.kind, value.numbers, value.text))]
    return *found, *own


def _entry(tag: int, kind: int, numbers: tuple[float, ...], text: str) -> Entry | None:
    """A tag in little-endian; one that is too long, or says nothing, is left out."""
    if kind == TEXT:
        data = text.encode() + b"\0"
        return Entry(tag, kind, len(data), data) if 1 < len(data) <= MOST_CARRIED else None
    values = [part for number in numbers for part in _ratio(number)] if kind in RATIONAL else list(numbers)
    try:
        data = b"".join(struct.pack("<" + FORMATS[kind][0], value) for value in values)
    except struct.error:  # a ratio beyond 32 bits
        return None
    return Entry(tag, kind, len(numbers), data) if 0 < len(data) <= min(MOST_CARRIED, MOST_BYTES - 1) else None


def _ratio(number: float) -> tuple[int, int]:
    fraction = Fraction(number).limit_denominator(_FINEST)
    return fraction.numerator, fraction.denominator


def _short(entries: Entries) -> Entries:
    return tuple(entry for entry in entries if len(entry.data) <= SHORT_BYTES)
