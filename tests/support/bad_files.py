"""The bytes of photo files, whole, patched or lying about their size."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pillow_heif
import tifffile
from PIL import Image as PillowImage

from deepfuse.bracket import Exposure
from deepfuse.simulation.camera import CAMERAS, write_dng

SIZE = (64, 80)
PICTURE = np.random.default_rng(2).integers(0, 256, (*SIZE, 3), dtype=np.uint8)


def exposed(share: float) -> np.ndarray:
    """The picture at a share of its brightness."""
    return (PICTURE * share).astype(np.uint8)


DARK = exposed(0.25)


def exif(share: float) -> bytes:
    """EXIF that says how a picture of this brightness was exposed."""
    tags = PillowImage.Exif()
    tags.get_ifd(0x8769)[0x829A] = share / 60
    return tags.tobytes()


def encoded(pixels: np.ndarray = PICTURE, **options: object) -> bytes:
    buffer = io.BytesIO()
    PillowImage.fromarray(pixels).save(buffer, **options)  # type: ignore[arg-type]
    return buffer.getvalue()


def tiff(pixels: np.ndarray = PICTURE, **options: object) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, pixels, **{"photometric": "rgb", "metadata": None, **options})  # type: ignore[arg-type]
    return buffer.getvalue()


def heic(pixels: np.ndarray = PICTURE, **options: object) -> bytes:
    buffer = io.BytesIO()
    pillow_heif.from_pillow(PillowImage.fromarray(pixels)).save(buffer, **options)
    return buffer.getvalue()


def raw(folder: Path, camera: int, share: float = 1) -> bytes:
    """A DNG of the picture whose exposure time goes with its brightness."""
    sensor = CAMERAS[camera]
    light = PICTURE[..., 0] / 255 * share
    mosaic = (sensor.black_level + light * (sensor.white_level - sensor.black_level)).astype(np.uint16)
    write_dng(folder / "tmp.dng", mosaic, camera=sensor, exposure=Exposure(share / 60, 100, 5.6))
    data = (folder / "tmp.dng").read_bytes()
    (folder / "tmp.dng").unlink()
    return data


def patched(data: bytes, at: int, new: bytes) -> bytes:
    return data[:at] + new + data[at + len(new) :]


def png_claiming(width: int, height: int) -> bytes:
    header = b"IHDR" + struct.pack(">II", width, height) + b"\x08\x02\0\0\0"
    return patched(encoded(format="PNG"), 12, header + struct.pack(">I", zlib.crc32(header)))


def jpeg_claiming(width: int, height: int) -> bytes:
    data = encoded(format="JPEG")
    return patched(data, data.index(b"\xff\xc0") + 5, struct.pack(">HH", height, width))


def tiff_with(tags: dict[int, int], data: bytes) -> bytes:
    """A little-endian TIFF in whose first directory these tags have other values, as 32-bit integers."""
    at = struct.unpack_from("<I", data, 4)[0]
    for entry in range(at + 2, at + 2 + 12 * struct.unpack_from("<H", data, at)[0], 12):
        tag = struct.unpack_from("<H", data, entry)[0]
        if tag in tags:
            data = patched(data, entry + 2, struct.pack("<HII", 4, 1, tags[tag]))
    return data


def encoded_cmyk() -> bytes:
    buffer = io.BytesIO()
    PillowImage.fromarray(PICTURE).convert("CMYK").save(buffer, "JPEG")
    return buffer.getvalue()
