"""EXIF of a picture → the standard attributes of OpenEXR (ImfStandardAttributes.h), by which its programs know it."""

from __future__ import annotations

import re

from deepfuse.metadata.directories import Entries
from deepfuse.metadata.embedded import Embedded
from deepfuse.metadata.tiff import Tag, Tags, number, text

_TEXTS = {
    "cameraMake": (0x010F,), "cameraModel": (0x0110,), "cameraSerialNumber": (0xA431,), "lensMake": (0xA433,),
    "lensModel": (0xA434,), "lensSerialNumber": (0xA435,), "capDate": (0x9003,), "owner": (0x8298, 0x013B),
    "comments": (0x010E,),
}  # fmt: skip
_NUMBERS = {"expTime": 0x829A, "aperture": 0x829D, "isoSpeed": 0x8827, "nominalFocalLength": 0x920A}  # s, f, ISO, mm
_OFFSET = 0x9011  # OffsetTimeOriginal
_LATITUDE, _LONGITUDE, _ALTITUDE = (1, 2, "S"), (3, 4, "W"), 6  # of GPS: the tag of the side, of the angle; the minus


def exr_attributes(embedded: Embedded) -> dict[str, str | float]:
    """Names and values; degrees east and north, metres, seconds by which UTC is ahead of the camera's clock."""
    tags, gps = _tags((*embedded.image, *embedded.photo)), _tags(embedded.gps)
    found: dict[str, str | float | None] = {
        name: next((said for key in keys if (said := text(tags, key))), None) for name, keys in _TEXTS.items()
    }
    found |= {name: number(tags, key) for name, key in _NUMBERS.items()}
    found |= {"latitude": _degrees(gps, *_LATITUDE), "longitude": _degrees(gps, *_LONGITUDE)}
    found |= {"altitude": number(gps, _ALTITUDE), "utcOffset": _utc_offset(text(tags, _OFFSET))}
    return {name: value for name, value in found.items() if value is not None}


def _tags(entries: Entries) -> Tags:
    return {entry.tag: Tag(entry.kind, entry.count, entry.data, 0) for entry in entries}


def _degrees(gps: Tags, side: int, angle: int, minus: str) -> float | None:
    parts = [number(gps, angle, index) for index in range(3)]
    if parts[0] is None:
        return None
    degrees = sum((part or 0.0) / 60.0**index for index, part in enumerate(parts))
    return -degrees if text(gps, side) == minus else degrees


def _utc_offset(written: str) -> float | None:
    match = re.fullmatch(r"([+-])(\d\d):(\d\d)", written)
    return None if match is None else (1 if match[1] == "-" else -1) * (int(match[2]) * 3600.0 + int(match[3]) * 60)
