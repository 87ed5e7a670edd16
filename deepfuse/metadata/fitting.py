"""What of a picture's metadata a JPEG has room for; TIFF and PNG hold all of it."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain

from deepfuse.metadata.embedded import Embedded
from deepfuse.metadata.xmp import shortened

LARGEST_EXIF = 65_527  # bytes; a segment holds 65,533, of which a mark takes 6
LARGEST_XMP = 65_000  # a segment holds 65,502 beside its mark
LARGEST_IPTC = 65_000  # a segment holds 65,533, of which Photoshop's block takes a few


def fitted(embedded: Embedded) -> tuple[Embedded, tuple[str, ...]]:
    """As much as fits into a JPEG, the longest values left out, and the names of those."""
    found, lost = _with_short_exif(embedded)
    if len(found.xmp) > LARGEST_XMP:
        kept = shortened(found.xmp, LARGEST_XMP)
        found, lost = replace(found, xmp=kept.packet), (*lost, *(f"XMP {name}" for name in kept.lost))
    if len(found.iptc) > LARGEST_IPTC:
        found, lost = replace(found, iptc=b""), (*lost, "IPTC")
    return found, lost


def _with_short_exif(found: Embedded) -> tuple[Embedded, tuple[str, ...]]:
    lost: tuple[str, ...] = ()
    while len(found.exif_block()) > LARGEST_EXIF:
        longest = max(chain(found.image, found.photo, found.gps), key=lambda entry: len(entry.data))
        lost = (*lost, f"EXIF {longest.tag:#06x}")
        kept = [tuple(e for e in tags if e is not longest) for tags in (found.image, found.photo, found.gps)]
        found = replace(found, image=kept[0], photo=kept[1], gps=kept[2])
    return found, lost
