"""DNG files of kinds that no simulated camera writes: the tags of one, changed, and several pictures in a file."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepfuse.bracket import Exposure
from deepfuse.metadata.directories import HEADER, Entry, directory, entry_of_numbers
from deepfuse.metadata.tiff import BYTE, EXIF_POINTER, LONG, RATIONAL, SHORT
from deepfuse.simulation.camera import CAMERAS
from deepfuse.simulation.camera.dng import _exif_entries, _main_entries

CAMERA = CAMERAS[3]
CFA, LINEAR_RAW = 32803, 34892
COLOUR_TAGS = (50721, 50728, 50778)  # ColorMatrix1, AsShotNeutral, CalibrationIlluminant1
_MOSAIC_TAGS = (33421, 33422)

Changes = Mapping[int, Entry | None]
"""Tags that are other than a plain file's; `None` for one that is not there."""


def monochrome(*, colours: bool = False) -> Changes:
    """Of a sensor without colour filters; `colours` are told all the same, as converters do."""
    gone = (*_MOSAIC_TAGS, *(() if colours else COLOUR_TAGS))
    return {**dict.fromkeys(gone), 262: entry_of_numbers(262, SHORT, [LINEAR_RAW])}


def cropped(top: int, left: int, height: int, width: int, *, active: Sequence[int] = ()) -> Changes:
    """DefaultCrop, which counts from the corner of ActiveArea: top, left, bottom, right."""
    area = {50829: entry_of_numbers(50829, LONG, active)} if active else {}
    origin, size = (
        entry_of_numbers(tag, RATIONAL, values) for tag, values in ((50719, (left, top)), (50720, (width, height)))
    )
    return {50719: origin, 50720: size, **area}


def dng(
    mosaic: NDArray[np.uint16],
    changes: Changes | None = None,
    *,
    stops: float = 0,
    others: Sequence[NDArray[np.uint16]] = (),
    parts: Sequence[bytes] = (),
    tile: tuple[int, int] | None = None,
) -> bytes:
    """A DNG of one mosaic, (H, W) or (H, W, 3), and of others beside it in directories of their own (SubIFDs).

    `parts` are its pixels as they lie in the file, where they are packed: strips, or tiles of a height and width.
    """
    data = bytearray(HEADER + bytes(4))
    exif_at = _append(data, directory(_exif_entries(Exposure(2.0**stops / 60, 100, 5.6)), len(data)))
    below = [_picture(data, other, changes or {}, ()) for other in others]
    links = [entry_of_numbers(EXIF_POINTER, LONG, [exif_at])]
    links += [entry_of_numbers(330, LONG, below)] if below else []
    struct.pack_into("<I", data, 4, _picture(data, mosaic, changes or {}, links, parts, tile))
    return bytes(data)


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def _picture(
    data: bytearray,
    mosaic: NDArray[np.uint16],
    changes: Changes,
    links: Sequence[Entry],
    parts: Sequence[bytes] = (),
    tile: tuple[int, int] | None = None,
) -> int:
    """Where the directory of a mosaic lies that is appended."""
    stored = parts or [mosaic.astype("<u2").tobytes()]
    places, lengths = [_append(data, part) for part in stored], [len(part) for part in stored]
    plane = mosaic.reshape(*mosaic.shape[:2], -1)
    entries = {entry.tag: entry for entry in (*_main_entries(plane[..., 0], CAMERA), *links)}
    layout: dict[int, tuple[int, Sequence[float]]] = {259: (SHORT, [1]), 277: (SHORT, plane.shape[2:])}
    if tile:
        del entries[278]
        layout |= {322: (LONG, tile[1:]), 323: (LONG, tile[:1]), 324: (LONG, places), 325: (LONG, lengths)}
    else:
        layout |= {273: (LONG, places), 279: (LONG, lengths)}
    entries |= {tag: entry_of_numbers(tag, kind, values) for tag, (kind, values) in layout.items()}
    for tag, entry in changes.items():
        entries.pop(tag, None) if entry is None else entries.update({tag: entry})
    return _append(data, directory([entries[tag] for tag in sorted(entries)], len(data)))


def _append(data: bytearray, part: bytes) -> int:
    at = len(data)
    data += part + bytes(-len(part) % 2)
    return at


VERSION_1_7 = {50706: entry_of_numbers(50706, BYTE, [1, 7, 0, 0]), 50707: entry_of_numbers(50707, BYTE, [1, 7, 0, 0])}
