"""TIFF, PNG and JPEG files ↔ arrays: one decoder, one header reader and one encoder a suffix."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import tifffile
from PIL import Image as PillowImage

from deepfuse.color import Image, check_range, from_float, to_float

JPEG_QUALITY = 95


def as_rgb(pixels: Image) -> Image:
    """Grey becomes RGB, an alpha channel is dropped, float16 becomes float32."""
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    if pixels.ndim != 3 or pixels.shape[2] not in (1, 2, 3, 4):
        raise ValueError(f"expected grey or RGB pixels, got an array of {pixels.shape}")
    colour = pixels[..., : 1 if pixels.shape[2] < 3 else 3]
    rgb = np.broadcast_to(colour, (*colour.shape[:2], 3))
    rgb = rgb.astype(np.float32) if rgb.dtype in (np.float16, np.float64) else rgb
    check_range(rgb)
    return rgb


def _decode_jpeg(path: Path) -> Image:
    """Pillow, because libjpeg fills in what a truncated file lacks and only Pillow objects."""
    with _open_jpeg(path) as image:
        return np.asarray(image.convert("RGB"))


def _decode_png(path: Path) -> Image:
    pixels: Image = imagecodecs.png_decode(path.read_bytes())
    return pixels


def _decode_tiff(path: Path) -> Image:
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages.first
        kind = tifffile.PHOTOMETRIC(page.photometric)
        jpeg = kind is tifffile.PHOTOMETRIC.YCBCR and page.compression == tifffile.COMPRESSION.JPEG
        if kind not in (tifffile.PHOTOMETRIC.RGB, tifffile.PHOTOMETRIC.MINISBLACK) and not jpeg:
            raise ValueError(f"expected a grey or RGB TIFF, got {kind.name}")
        if page.bitspersample not in (8, 16, 32, 64):
            raise ValueError(f"expected 8, 16 or 32 bits a sample, got {page.bitspersample}")
        pixels = page.asarray()
        return np.moveaxis(pixels, 0, -1) if page.axes == "SYX" else pixels


def _jpeg_size(path: Path) -> tuple[int, int]:
    with _open_jpeg(path) as image:
        return image.size


def _open_jpeg(path: Path) -> PillowImage.Image:
    PillowImage.MAX_IMAGE_PIXELS = None  # the header was checked against this project's own, larger limit
    return PillowImage.open(path, formats=["JPEG"])


def _png_size(path: Path) -> tuple[int, int]:
    with path.open("rb") as file:
        start = file.read(24)
    if start[:8] != b"\x89PNG\r\n\x1a\n":
        raise ValueError("no PNG signature")
    width, height = struct.unpack(">II", start[16:])
    return width, height


def _tiff_size(path: Path) -> tuple[int, int]:
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages.first
        return page.imagewidth, page.imagelength


def _encode_tiff(image: Image) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, image, photometric="rgb", compression="deflate", predictor=True, metadata=None)
    return buffer.getvalue()


def _encode_png(image: Image) -> bytes:
    if image.dtype == np.float32:
        image = from_float(image, np.dtype(np.uint16))
    return bytes(imagecodecs.png_encode(image))


def _encode_jpeg(image: Image) -> bytes:
    buffer = io.BytesIO()
    image = image if image.dtype == np.uint8 else from_float(to_float(image), np.dtype(np.uint8))
    PillowImage.fromarray(image).save(buffer, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return buffer.getvalue()


DECODERS: dict[str, Callable[[Path], Image]] = {
    ".jpg": _decode_jpeg, ".jpeg": _decode_jpeg, ".png": _decode_png, ".tif": _decode_tiff, ".tiff": _decode_tiff,
}  # fmt: skip
SIZES: dict[str, Callable[[Path], tuple[int, int]]] = {
    ".jpg": _jpeg_size, ".jpeg": _jpeg_size, ".png": _png_size, ".tif": _tiff_size, ".tiff": _tiff_size,
}  # fmt: skip
ENCODERS: dict[str, Callable[[Image], bytes]] = {
    ".tif": _encode_tiff, ".tiff": _encode_tiff, ".png": _encode_png, ".jpg": _encode_jpeg, ".jpeg": _encode_jpeg,
}  # fmt: skip
