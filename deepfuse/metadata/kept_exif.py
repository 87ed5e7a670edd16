"""EXIF of a bracket's frames → that of the picture fused from them, value for value as it was written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from deepfuse import __version__
from deepfuse.metadata.directories import Entries, Entry, entry_of_numbers, entry_of_text
from deepfuse.metadata.exif import Exif
from deepfuse.metadata.tiff import LONG, MOST_DPI, RATIONAL, SHORT, UNDEFINED, Tag, Tags, number
from deepfuse.metadata.verbatim import entry_of_tag, says_nothing

# EXIF 2.32 and 3.0. Beside these, a TIFF or RAW file's first directory says how its own pixels lie, which must not be
# carried.
_X, _Y, _UNIT = 0x011A, 0x011B, 0x0128  # resolution
_IMAGE = {
    0x010D, 0x010E, 0x010F, 0x0110, _X, _Y, _UNIT, 0x0132, 0x013B, 0x013C, 0x4746, 0x4749, 0x8298,
    *range(0x9C9B, 0x9CA0),
}  # fmt: skip
_EXPOSED = {0x829A, 0x829D, 0x8822, 0x8827, *range(0x8830, 0x8836), 0x9201, 0x9202, 0x9203, 0x9209, 0xA407}
_PHOTO = {
    0x8824, 0x9000, 0x9003, 0x9004, 0x9010, 0x9011, 0x9012, *range(0x9205, 0x9209), 0x920A, 0x9286, 0x9290, 0x9291,
    0x9292, *range(0x9400, 0x9406), 0xA000, 0xA20E, 0xA20F, 0xA210, 0xA217, 0xA300, 0xA301, 0xA401, 0xA403, 0xA404,
    0xA405, 0xA406, 0xA408, 0xA409, 0xA40A, 0xA40C, *range(0xA430, 0xA43A),
}  # fmt: skip
_GPS = set(range(0x20))
_SOFTWARE, _ORIENTATION, _EXIF_VERSION, _COLOUR_SPACE, _WIDTH, _HEIGHT = 0x131, 0x112, 0x9000, 0xA001, 0xA002, 0xA003
_INCH, _INCHES_OF = 2, {2: 1.0, 3: 1 / 2.54}  # ResolutionUnit


@dataclass(frozen=True)
class Shape:
    """What EXIF says of the fused picture's pixels: width and height, and the number of its ColorSpace."""

    width: int
    height: int
    colour_space: int


@dataclass(frozen=True)
class KeptExif:
    """The image, the photo and the GPS directory, and the names of what is lost of them."""

    image: Entries
    photo: Entries
    gps: Entries
    lost: tuple[str, ...] = ()


def kept_exif(exifs: Sequence[Exif], base: int, shape: Shape, dpi: tuple[float, float] | None) -> KeptExif:
    """The directories of a picture fused of these frames, of which the one at `base` tells.

    `dpi` is the resolution, where the frame's container says it; it counts where its EXIF has none.
    """
    own, taken = exifs[base], [_taken(exif) for exif in exifs]
    image = {tag: own.image[tag] for tag in sorted(_IMAGE & own.image.keys())}
    photo = {tag: value for tag, value in taken[base].items() if tag in _PHOTO or _agree(taken, tag)}
    written = [_entries(tags) for tags in (image, photo, own.gps)]
    cut = [
        tag for tags, entries in zip((image, photo, own.gps), written, strict=True) for tag in _missing(tags, entries)
    ]
    made = (*_made(), *(_resolution(dpi) if dpi and _X not in image else ()))
    stated = _stated(shape, versioned=_EXIF_VERSION in photo)
    lost = tuple(f"EXIF {tag:#06x}" for tag in cut)
    return KeptExif((*written[0], *made), (*written[1], *stated), written[2], lost)


def dpi_of(exif: Exif) -> tuple[float, float] | None:
    """Dots per inch across and down; `None` where EXIF does not say."""
    inches = _INCHES_OF.get(int(number(exif.image, _UNIT) or 0))
    x, y = number(exif.image, _X), number(exif.image, _Y)
    if not (inches and x and y):
        return None
    x, y = x / inches, y / inches
    return (x, y) if min(x, y) > 0 and max(x, y) <= MOST_DPI else None


def _taken(exif: Exif) -> Tags:
    """How the photo was taken; some RAW files say so in their first directory."""
    return {tag: value for tag, value in (exif.image | exif.photo).items() if tag in _PHOTO | _EXPOSED}


def _agree(taken: Sequence[Tags], tag: int) -> bool:
    values = [(tags[tag].numbers, tags[tag].text) if tag in tags else None for tags in taken]
    return all(value == values[0] for value in values)


def _entries(tags: Tags) -> Entries:
    return tuple(entry for tag, value in tags.items() if _says(value) and (entry := entry_of_tag(tag, value)))


def _missing(tags: Tags, entries: Entries) -> list[int]:
    written = {entry.tag for entry in entries}
    return [tag for tag, value in tags.items() if _says(value) and tag not in written]


def _says(tag: Tag) -> bool:
    return not says_nothing(tag)


def _made() -> Entries:
    made_by = entry_of_text(_SOFTWARE, f"deepfuse {__version__}")
    return entry_of_numbers(_ORIENTATION, SHORT, [1]), made_by


def _resolution(dpi: tuple[float, float]) -> Entries:
    rows = (entry_of_numbers(tag, RATIONAL, [dots]) for tag, dots in zip((_X, _Y), dpi, strict=True))
    return *rows, entry_of_numbers(_UNIT, SHORT, [_INCH])


def _stated(shape: Shape, *, versioned: bool) -> Entries:
    sizes = (entry_of_numbers(tag, LONG, [px]) for tag, px in ((_WIDTH, shape.width), (_HEIGHT, shape.height)))
    version = () if versioned else (Entry(_EXIF_VERSION, UNDEFINED, 4, b"0232"),)
    return entry_of_numbers(_COLOUR_SPACE, SHORT, [shape.colour_space]), *sizes, *version
