"""What a photo file says of how it was taken."""

from __future__ import annotations

import io
import logging
from pathlib import Path
from typing import Any, BinaryIO

import exifread

from deepfuse.bracket import Exposure


def exif_file(path: Path, exif: bytes = b"") -> BinaryIO:
    """The open file in which to look for EXIF: the photo, or the EXIF block itself where its format hides it (HEIC)."""
    return io.BytesIO(exif.removeprefix(b"Exif\0\0")) if exif else path.open("rb")


def read_tags(path: Path, exif: bytes = b"") -> dict[str, Any]:
    """The EXIF tags of a file by group and name, as `exifread` names them; empty where it has none.

    `exif` is the EXIF block itself, for files in which `exifread` does not find it.
    """
    logging.getLogger("exifread").setLevel(logging.ERROR)  # that a file has no EXIF is no news
    with exif_file(path, exif) as file:
        try:
            tags: dict[str, Any] = exifread.process_file(file, details=False)
        except OSError:
            raise
        except Exception:  # it raises index, struct and other errors on damaged EXIF, which says nothing
            return {}
    return tags


def exposure_of(tags: dict[str, Any]) -> Exposure | None:
    """The exposure in EXIF, or in the TIFF tags where some makers put it."""

    def number(name: str) -> float | None:
        tag = tags.get(f"EXIF {name}") or tags.get(f"Image {name}")
        try:
            return float(tag.values[0]) or None if tag else None
        except (IndexError, TypeError, ValueError, ZeroDivisionError):
            return None

    time_s = number("ExposureTime")
    return Exposure(time_s, number("ISOSpeedRatings"), number("FNumber")) if time_s else None


def orientation_of(tags: dict[str, Any]) -> int:
    """The EXIF orientation, 1 to 8 (EXIF 2.32, tag 0x0112); 1 where it says nothing or nonsense."""
    tag = tags.get("Image Orientation")
    orientation = tag.values[0] if tag and tag.values else 1
    return orientation if orientation in range(1, 9) else 1
