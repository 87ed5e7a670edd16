"""A Bayer mosaic as a DNG file, written byte by byte: TIFF libraries refuse to write the EXIF directory."""

from __future__ import annotations

import os
import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np

from deepfuse.bracket import Exposure
from deepfuse.errors import PhotoError
from deepfuse.simulation.camera.sensor import Camera, Mosaic

Tags = dict[int, tuple[str, Any]]
_TYPE_CODES = {"B": 1, "s": 2, "H": 3, "I": 4, "2I": 5, "2i": 10}  # struct format to TIFF 6.0 field type


def write_dng(path: Path, mosaic: Mosaic, *, camera: Camera, exposure: Exposure) -> None:
    """Write a Bayer DNG (Adobe DNG Specification 1.4) atomically.

    Args:
        path: the file; its folder exists.
        mosaic: (H, W) in DN, even height and width.
        camera: what the file says it came from.
        exposure: shutter in s, ISO and f-number; what is `None` is left out.

    Raises:
        PhotoError: the file cannot be written.
    """
    if mosaic.ndim != 2 or mosaic.dtype != np.uint16 or mosaic.shape[0] % 2 or mosaic.shape[1] % 2:
        raise ValueError(f"expected an even (H, W) uint16 mosaic, got {mosaic.shape} {mosaic.dtype}")
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(_dng_bytes(mosaic, camera, exposure))
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise PhotoError(f"cannot write the DNG: {error.strerror} ({path})") from error


def _dng_bytes(mosaic: Mosaic, camera: Camera, exposure: Exposure) -> bytes:
    """The file: header, pixels, EXIF directory, main directory."""
    lossless = camera.compression == "lossless"
    raw = mosaic.astype("<u2")
    pixels = bytes(imagecodecs.ljpeg_encode(raw, bitspersample=16)) if lossless else raw.tobytes()
    pixels += b"\0" * (len(pixels) % 2)
    exif_at = 8 + len(pixels)
    exif = _directory(_exif_tags(exposure), exif_at)
    main_at = exif_at + len(exif)
    tags = _main_tags(mosaic, camera) | {
        259: ("H", 7 if lossless else 1),
        273: ("I", 8),
        279: ("I", len(pixels)),
        34665: ("I", exif_at),
    }
    return struct.pack("<2sHI", b"II", 42, main_at) + pixels + exif + _directory(tags, main_at)


def _main_tags(mosaic: Mosaic, camera: Camera) -> Tags:
    height, width = mosaic.shape
    return {
        254: ("I", 0),  # NewSubfileType: the full picture
        256: ("I", width),
        257: ("I", height),
        258: ("H", 16),
        262: ("H", 32803),  # PhotometricInterpretation: CFA
        271: ("s", camera.name),
        272: ("s", camera.name),
        274: ("H", 1),
        277: ("H", 1),
        278: ("I", height),
        284: ("H", 1),
        33421: ("H", (2, 2)),
        33422: ("B", ["RGB".index(letter) for letter in camera.cfa]),
        50706: ("B", (1, 4, 0, 0)),
        50707: ("B", (1, 1, 0, 0)),
        50708: ("s", camera.name),
        50714: ("I", camera.black_level),
        50717: ("I", camera.white_level),
        50721: ("2i", np.ravel(camera.xyz_to_camera)),
        50728: ("2I", camera.neutral),
        50778: ("H", 21),  # CalibrationIlluminant1: D65
    }


def _exif_tags(exposure: Exposure) -> Tags:
    """Exif 2.32, section 4.6.5."""
    tags: Tags = {36864: ("B", b"0232")}
    if exposure.time_s:
        tags[33434] = ("2I", exposure.time_s)
    if exposure.f_number:
        tags[33437] = ("2I", exposure.f_number)
    if exposure.iso:
        tags[34855] = ("H", round(exposure.iso))
    return tags


def _directory(tags: Tags, start: int) -> bytes:
    """One TIFF 6.0 image file directory that will lie at byte `start`, its long values right behind it."""
    entries, tail = b"", b""
    tail_at = start + 2 + 12 * len(tags) + 4
    for tag, (kind, value) in sorted(tags.items()):
        data, count = _encode(kind, value)
        if len(data) > 4:
            tail_offset = struct.pack("<I", tail_at + len(tail))
            tail += data + b"\0" * (len(data) % 2)
            data = tail_offset
        entries += struct.pack("<HHI4s", tag, _TYPE_CODES[kind], count, data)
    return struct.pack("<H", len(tags)) + entries + struct.pack("<I", 0) + tail


def _encode(kind: str, value: Any) -> tuple[bytes, int]:
    if kind == "s":
        text = value.encode("ascii") + b"\0"
        return text, len(text)
    values = list(np.atleast_1d(value)) if not isinstance(value, bytes) else list(value)
    if kind in ("2I", "2i"):
        ratios = [Fraction(float(v)).limit_denominator(1_000_000) for v in values]
        return b"".join(struct.pack(f"<{kind}", r.numerator, r.denominator) for r in ratios), len(values)
    return struct.pack(f"<{len(values)}{kind}", *(int(v) for v in values)), len(values)
