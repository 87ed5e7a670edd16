"""Where a picture lies in a larger one: XPosition and YPosition of TIFF 6.0, in the unit of its resolution."""

from __future__ import annotations

from dataclasses import replace

from deepfuse.metadata.directories import entry_of_numbers
from deepfuse.metadata.embedded import Embedded
from deepfuse.metadata.exif import Exif
from deepfuse.metadata.tiff import RATIONAL, SHORT, number

Place = tuple[int, int]
"""How far right of and below the corner of the larger picture, in pixels."""

_POSITIONS, _RESOLUTIONS, _UNIT, _INCH = (286, 287), (282, 283), 296, 2
_DPI = 150  # of a placed picture, whatever its camera said: a place in pixels is then exact
_FARTHEST_PX = 2**31


def place_of(exif: Exif) -> Place:
    """The place of a picture; (0, 0) where its file does not say, or says what cannot be."""
    x, y = (_pixels(exif, *tags) for tags in zip(_POSITIONS, _RESOLUTIONS, strict=True))
    return x, y


def _pixels(exif: Exif, position: int, resolution: int) -> int:
    pixels = (number(exif.image, position) or 0.0) * (number(exif.image, resolution) or 0.0)
    return round(pixels) if abs(pixels) < _FARTHEST_PX else 0


def placed(embedded: Embedded, place: Place) -> Embedded:
    """The metadata of a TIFF with its place; as they are where that is the corner.

    Raises:
        ValueError: the place is left of or above it, which TIFF cannot say.
    """
    if place == (0, 0):
        return embedded
    if min(place) < 0:
        raise ValueError(f"expected a place right of and below the corner, got {place[0]}, {place[1]}")
    inches = (entry_of_numbers(tag, RATIONAL, [px / _DPI]) for tag, px in zip(_POSITIONS, place, strict=True))
    dots = (entry_of_numbers(tag, RATIONAL, [_DPI]) for tag in _RESOLUTIONS)
    stated = (*dots, *inches, entry_of_numbers(_UNIT, SHORT, [_INCH]))
    others = tuple(entry for entry in embedded.image if entry.tag not in {one.tag for one in stated})
    return replace(embedded, image=(*others, *stated), dpi=(_DPI, _DPI))
