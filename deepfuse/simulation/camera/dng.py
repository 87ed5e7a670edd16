"""A Bayer mosaic as a DNG file, laid out here: TIFF libraries refuse to write the EXIF directory."""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence
from pathlib import Path

import imagecodecs
import numpy as np

from deepfuse.bracket import Exposure
from deepfuse.errors import PhotoError
from deepfuse.metadata.directories import HEADER, Entry, directory, entry_of_numbers, entry_of_text
from deepfuse.metadata.tiff import BYTE, EXIF_POINTER, LONG, RATIONAL, SHORT, SRATIONAL
from deepfuse.simulation.camera.sensor import Camera, Mosaic

_PIXELS_AT = 8  # right behind the header


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
    exif_at = _PIXELS_AT + len(pixels)
    exif = directory(_exif_entries(exposure), exif_at)
    main_at = exif_at + len(exif)
    layout = [
        entry_of_numbers(259, SHORT, [7 if lossless else 1]),
        entry_of_numbers(273, LONG, [_PIXELS_AT]),
        entry_of_numbers(279, LONG, [len(pixels)]),
        entry_of_numbers(EXIF_POINTER, LONG, [exif_at]),
    ]
    main = sorted([*_main_entries(mosaic, camera), *layout], key=lambda entry: entry.tag)
    return HEADER + struct.pack("<I", main_at) + pixels + exif + directory(main, main_at)


def _main_entries(mosaic: Mosaic, camera: Camera) -> list[Entry]:
    height, width = mosaic.shape
    numbers: list[tuple[int, int, Sequence[float]]] = [
        (254, LONG, [0]),  # NewSubfileType: the full picture
        (256, LONG, [width]),
        (257, LONG, [height]),
        (258, SHORT, [16]),
        (262, SHORT, [32803]),  # PhotometricInterpretation: CFA
        (274, SHORT, [1]),
        (277, SHORT, [1]),
        (278, LONG, [height]),
        (284, SHORT, [1]),
        (33421, SHORT, [2, 2]),
        (33422, BYTE, ["RGB".index(letter) for letter in camera.cfa]),
        (50706, BYTE, [1, 4, 0, 0]),
        (50707, BYTE, [1, 1, 0, 0]),
        (50714, LONG, [camera.black_level]),
        (50717, LONG, [camera.white_level]),
        (50721, SRATIONAL, np.ravel(camera.xyz_to_camera).tolist()),
        (50728, RATIONAL, camera.neutral),
        (50778, SHORT, [21]),  # CalibrationIlluminant1: D65
    ]
    names = [entry_of_text(tag, camera.name) for tag in (271, 272, 50708)]
    return [entry_of_numbers(*number) for number in numbers] + names


def _exif_entries(exposure: Exposure) -> list[Entry]:
    """Exif 2.32, section 4.6.5."""
    iso = round(exposure.iso) if exposure.iso else None
    values = ((33434, RATIONAL, exposure.time_s), (33437, RATIONAL, exposure.f_number), (34855, SHORT, iso))
    stated = [entry_of_numbers(tag, kind, [value]) for tag, kind, value in values if value]
    return [*stated, entry_of_numbers(36864, BYTE, list(b"0232"))]
