"""JPEG, PNG and TIFF files: their headers, and their pixels when asked."""

from __future__ import annotations

import struct
from functools import partial
from pathlib import Path

import imagecodecs
import numpy as np
import tifffile
from PIL import Image as PillowImage

from deepfuse.color import Image
from deepfuse.photo.profiles import profile_of
from deepfuse.photo.stored import Stored, depth_of

_ICC_TAG = 34675
_PNG_GREY = (0, 4)  # colour types, PNG specification 11.2.2
_TIFF_BITS = (8, 16, 32, 64)
_TIFF_SAMPLES = ("uint8", "uint16", "float16", "float32", "float64")
_LARGEST_TILE_PX = 2**26


def open_jpeg(path: Path) -> Stored:
    """A JPEG; one with a gain map (Ultra HDR) is its base picture, in standard range.

    Pillow, because libjpeg fills in what a truncated file lacks and only Pillow objects.
    """
    with _open_with_pillow(path, "JPEG") as image:
        if image.mode not in ("L", "RGB"):
            raise ValueError(f"expected a grey or RGB JPEG, got {image.mode}")
        profile = profile_of(image.info.get("icc_profile") or b"", grey=image.mode == "L")
        return Stored(*image.size, "8-bit", partial(_decode_jpeg, path), profile)


def _decode_jpeg(path: Path) -> Image:
    with _open_with_pillow(path, "JPEG") as image:
        return np.asarray(image)


def _open_with_pillow(path: Path, kind: str) -> PillowImage.Image:
    PillowImage.MAX_IMAGE_PIXELS = None  # the header is checked against this project's own, larger limit
    return PillowImage.open(path, formats=[kind])


def open_png(path: Path) -> Stored:
    """A PNG of any kind; palettes are looked up, transparency is dropped."""
    with path.open("rb") as file:
        start = file.read(26)
    width, height, bits, colour = struct.unpack(">IIBB", start[16:])
    with _open_with_pillow(path, "PNG") as image:
        profile = profile_of(image.info.get("icc_profile") or b"", grey=colour in _PNG_GREY)
    return Stored(width, height, "16-bit" if bits == 16 else "8-bit", partial(_decode_png, path), profile)


def _decode_png(path: Path) -> Image:
    pixels: Image = imagecodecs.png_decode(path.read_bytes())
    return pixels


def open_tiff(path: Path) -> Stored:
    """The first page of a TIFF, grey or RGB, of 8, 16 or float 16, 32 or 64 bits."""
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages.first
        _check_page(page, path.stat().st_size)
        if page.dtype is None or page.dtype not in _TIFF_SAMPLES:
            raise ValueError(f"expected samples of {', '.join(_TIFF_SAMPLES)}, got {page.dtype}")
        tag = page.tags.get(_ICC_TAG)
        grey = page.photometric == tifffile.PHOTOMETRIC.MINISBLACK
        profile = profile_of(bytes(tag.value) if tag else b"", grey=grey)
        return Stored(page.imagewidth, page.imagelength, depth_of(page.dtype), partial(_decode_tiff, path), profile)


def _check_page(page: tifffile.TiffPage, file_size: int) -> None:
    """Refuse what this project cannot show, and strips or tiles that claim more than a file or a memory holds."""
    kind = tifffile.PHOTOMETRIC(page.photometric)
    jpeg = kind is tifffile.PHOTOMETRIC.YCBCR and page.compression == tifffile.COMPRESSION.JPEG
    if kind not in (tifffile.PHOTOMETRIC.RGB, tifffile.PHOTOMETRIC.MINISBLACK) and not jpeg:
        raise ValueError(f"expected a grey or RGB TIFF, got {kind.name}")
    if page.bitspersample not in _TIFF_BITS:
        raise ValueError(f"expected 8, 16 or 32 bits a sample, got {page.bitspersample}")
    if page.samplesperpixel > 4:
        raise ValueError(f"expected up to 4 samples a pixel, got {page.samplesperpixel}")
    if (claimed := sum(page.databytecounts)) > file_size:
        raise ValueError(f"expected {claimed} bytes of pixels, got a file of {file_size} bytes: cut short or damaged")
    if page.is_tiled and page.tilewidth * page.tilelength > _LARGEST_TILE_PX:
        raise ValueError(f"expected smaller tiles, got {page.tilewidth}×{page.tilelength}")


def _decode_tiff(path: Path) -> Image:
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages.first
        pixels: Image = page.asarray()
        return np.moveaxis(pixels, 0, -1) if page.axes == "SYX" else pixels
