"""Metadata of a bracket's frames → those of the picture fused from them."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace

from deepfuse import __version__
from deepfuse.bracket import printable
from deepfuse.metadata.directories import Entries, Entry, entry_of_numbers, entry_of_text
from deepfuse.metadata.embedded import Embedded
from deepfuse.metadata.exif import Exif
from deepfuse.metadata.reading import Metadata
from deepfuse.metadata.tiff import ASCII, LONG, SHORT, UNDEFINED, Tag, Tags
from deepfuse.metadata.xmp import kept_xmp

LARGEST_BLOCK = 60_000  # a JPEG segment holds 65,533 bytes
SHORT_BYTES = 256
MOST_CARRIED = 2000  # bytes of a tag

# EXIF 2.32. Beside these, a TIFF or RAW file's first directory says how its own pixels lie, which must not be carried.
_IMAGE = {0x010E, 0x010F, 0x0110, 0x0132, 0x013B, 0x013C, 0x4746, 0x4749, 0x8298, *range(0x9C9B, 0x9CA0)}
_EXPOSED = {0x829A, 0x829D, 0x8822, 0x8827, *range(0x8830, 0x8836), 0x9201, 0x9202, 0x9203, 0xA407}
_PHOTO = {
    0x8824, 0x9000, 0x9003, 0x9004, 0x9010, 0x9011, 0x9012, *range(0x9205, 0x920B), 0x9286, 0x9290, 0x9291, 0x9292,
    *range(0x9400, 0x9406), 0xA000, 0xA20E, 0xA20F, 0xA210, 0xA217, 0xA300, 0xA301, 0xA401, 0xA403, 0xA404, 0xA405,
    0xA406, 0xA408, 0xA409, 0xA40A, 0xA40C, *range(0xA430, 0xA436),
}  # fmt: skip
_SOFTWARE, _ORIENTATION, _EXIF_VERSION, _COLOUR_SPACE, _WIDTH, _HEIGHT = 0x131, 0x112, 0x9000, 0xA001, 0xA002, 0xA003
_SRGB, _UNCALIBRATED = 1, 0xFFFF  # EXIF 2.32, ColorSpace


@dataclass(frozen=True)
class Transferred:
    """What goes into the fused file, and what could not be carried over."""

    embedded: Embedded
    warnings: tuple[str, ...] = ()


def transfer(
    frames: Sequence[Metadata],
    base: int,
    *,
    names: Sequence[str],
    width: int,
    height: int,
    icc: bytes,
    srgb: bool = True,
) -> Transferred:
    """The metadata of a fused picture: those of one frame, less what is true of that frame only.

    Exposure time, aperture, ISO and what follows from them stay where all frames agree. Exposure compensation and
    mode, maker note and thumbnail go. Orientation, colour space, size and software are the fused picture's own.

    Args:
        frames: what each frame's file tells.
        base: the index of the frame whose metadata are carried over.
        names: the frames' files, for warnings.
        width: of the fused picture, in pixels.
        height: likewise.
        icc: the fused picture's profile.
        srgb: whether that is sRGB; EXIF knows no other space.

    Returns:
        The metadata; those of a damaged file are missing, which is a warning.
    """
    warnings = [
        f"{printable(name)}: damaged EXIF, which is not carried over"
        for name, frame in zip(names, frames, strict=True)
        if frame.damaged
    ]
    xmp, trouble = _xmp(frames[base], names[base])
    shape = width, height, _SRGB if srgb else _UNCALIBRATED
    embedded = Embedded(*_directories([frame.exif for frame in frames], base, shape), xmp, icc)
    if len(embedded.exif_block()) > LARGEST_BLOCK:
        trouble = (*trouble, f"{printable(names[base])}: expected less EXIF, long tags are dropped")
        embedded = replace(embedded, image=_short(embedded.image), photo=_short(embedded.photo), gps=())
    return Transferred(embedded, (*warnings, *trouble))


def _directories(exifs: Sequence[Exif], base: int, shape: tuple[int, int, int]) -> tuple[Entries, Entries, Entries]:
    """The image, the photo and the GPS directory."""
    own, taken = exifs[base], [_taken(exif) for exif in exifs]
    photo = {tag: value for tag, value in taken[base].items() if tag in _PHOTO or _agree(taken, tag)}
    return (
        _entries({tag: own.image[tag] for tag in _IMAGE & own.image.keys()}, _made()),
        _entries(photo, _shape(*shape, versioned=_EXIF_VERSION in photo)),
        _entries(own.gps, ()),
    )


def _xmp(frame: Metadata, name: str) -> tuple[bytes, tuple[str, ...]]:
    try:
        return kept_xmp(frame.xmp), ()
    except Exception as error:  # XMP is written by anyone: damage must not stop the fusion
        return b"", (f"{printable(name)}: XMP cannot be read: {error}",)


def _taken(exif: Exif) -> Tags:
    """How the photo was taken; some RAW files say so in their first directory."""
    return {tag: value for tag, value in (exif.image | exif.photo).items() if tag in _PHOTO | _EXPOSED}


def _agree(taken: Sequence[Tags], tag: int) -> bool:
    values = [(tags[tag].numbers, tags[tag].text) if tag in tags else None for tags in taken]
    return all(value == values[0] for value in values)


def _made() -> Entries:
    made_by = entry_of_text(_SOFTWARE, f"deepfuse {__version__}")
    return entry_of_numbers(_ORIENTATION, SHORT, [1]), made_by


def _shape(width: int, height: int, space: int, *, versioned: bool) -> Entries:
    sizes = (entry_of_numbers(tag, LONG, [px]) for tag, px in ((_WIDTH, width), (_HEIGHT, height)))
    stated = () if versioned else (Entry(_EXIF_VERSION, UNDEFINED, 4, b"0232"),)
    return entry_of_numbers(_COLOUR_SPACE, SHORT, [space]), *sizes, *stated


def _entries(tags: Tags, own: Entries) -> Entries:
    found = [entry for tag, value in tags.items() if (entry := _entry(tag, value))]
    return *found, *own


def _entry(tag: int, value: Tag) -> Entry | None:
    """A tag to be written; `None` for one that is too long, or says nothing."""
    if value.kind == ASCII:
        entry = entry_of_text(tag, value.text)
        return entry if 1 < entry.count <= MOST_CARRIED else None
    try:
        entry = entry_of_numbers(tag, value.kind, value.numbers)
    except (struct.error, OverflowError, ValueError):  # a ratio beyond 32 bits, infinity, not a number
        return None
    return entry if 0 < len(entry.data) <= MOST_CARRIED else None


def _short(entries: Entries) -> Entries:
    return tuple(entry for entry in entries if len(entry.data) <= SHORT_BYTES)
