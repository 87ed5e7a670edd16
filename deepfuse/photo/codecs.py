"""JPEG and TIFF files: their headers, and their pixels when asked."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import BinaryIO

import imagecodecs
import numpy as np
import tifffile

from deepfuse.color import Image
from deepfuse.metadata.jpeg import Jpeg
from deepfuse.metadata.reading import read_file, read_jpeg
from deepfuse.photo.deep_jpeg import frame_header, open_deep_jpeg
from deepfuse.photo.pages import metadata_with, picture_page
from deepfuse.photo.pixels import Alpha, Stored, depth_of
from deepfuse.photo.profiles import profile_of
from deepfuse.photo.tails import packed_tail, unpacked_tail
from deepfuse.photo.tiles import check_tiles

_ICC_TAG = 34675  # InterColorProfile: ICC.1:2022, annex B
_TIFF_BITS = (8, 16, 32, 64)
_TIFF_SAMPLES = ("uint8", "uint16", "float16", "float32", "float64")
_ALPHAS: dict[int, Alpha] = {
    tifffile.EXTRASAMPLE.ASSOCALPHA: "associated", tifffile.EXTRASAMPLE.UNASSALPHA: "unassociated",
}  # fmt: skip
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")  # none of those among coded pixels: ITU-T T.81, B.1.1
_END = b"\xff\xd9"
# Handed over at once: Pillow joins small pieces, and more of them than fit the cache take longer than decoding.
_ROWS = 64
_LARGEST_TILE_PX = 2**26  # 64 megapixels: writers take tiles of 512 px, and a false size must not fill the memory


def open_jpeg(file: BinaryIO) -> Stored:
    """A JPEG; one with a gain map (Ultra HDR) is its base picture, in standard range."""
    if (frame := frame_header(file)) and frame.deep:
        return open_deep_jpeg(file, frame)
    with _jpeg(file) as image:
        if image.mode not in ("L", "RGB"):
            raise ValueError(f"expected a grey or RGB JPEG, got {image.mode}")
        profile = profile_of(image.info.get("icc_profile") or b"", grey=image.mode == "L")
        return Stored(*image.size, "8-bit", partial(_decode_jpeg, file), profile, metadata=read_jpeg(image))


def _decode_jpeg(file: BinaryIO) -> Image:
    """By libjpeg alone where the file holds the end of the picture: it fills in what is missing, and Pillow objects."""
    file.seek(0)
    data = file.read()
    with _jpeg(file) as image:
        shape = image.height, image.width, len(image.getbands())
        if _ends(data):
            with suppress(imagecodecs.Jpeg8Error):  # Pillow says what is wrong
                pixels = np.atleast_3d(imagecodecs.jpeg8_decode(data))
                if pixels.shape == shape and pixels.dtype == np.uint8:
                    return pixels
        return _decode_by_pillow(image, shape)


def _ends(data: bytes) -> bool:
    """Whether going from marker to marker, as libjpeg does, leads to the end of a JPEG's picture."""
    at = 2
    while found := _MARKER.search(data, at):
        if found[0] == _END:
            return True
        at = found.end() + int.from_bytes(data[found.end() : found.end() + 2], "big")
    return False


def _decode_by_pillow(image: Jpeg, shape: tuple[int, int, int]) -> Image:
    image.load()
    height, width, _ = shape
    pixels = np.empty(shape, np.uint8)
    for top in range(0, height, _ROWS):
        bottom = min(top + _ROWS, height)
        pixels[top:bottom] = np.asarray(image.crop((0, top, width, bottom))).reshape(bottom - top, width, -1)
    return pixels


def _jpeg(file: BinaryIO) -> Jpeg:
    file.seek(0)
    return Jpeg(file)


def open_tiff(file: BinaryIO, check_size: Callable[[int, int], None]) -> Stored:
    """The picture of a TIFF, grey or RGB, of 8, 16 or float 16, 32 or 64 bits, if its size passes the check."""
    with _tiff(file) as tiff:
        page = picture_page(tiff, file)
        check_size(page.imagewidth, page.imagelength)
        check_page(page, tiff.filehandle.size)
        if page.dtype is None or page.dtype not in _TIFF_SAMPLES:
            raise ValueError(f"expected samples of {', '.join(_TIFF_SAMPLES)}, got {page.dtype}")
        tag = page.tags.get(_ICC_TAG)
        grey = page.photometric == tifffile.PHOTOMETRIC.MINISBLACK
        profile = profile_of(bytes(tag.value) if tag else b"", grey=grey)
        size, depth, alpha = (page.imagewidth, page.imagelength), depth_of(page.dtype), alpha_of(page)
        metadata = metadata_with(page, file, read_file(file))
        warnings = _unwritten(page, file)
    decode = partial(_decode_tiff, file)
    return Stored(*size, depth, decode, profile, metadata=metadata, alpha=alpha, warnings=warnings)


def _unwritten(page: tifffile.TiffPage, file: BinaryIO) -> tuple[str, ...]:
    """A warning where the last pixels were never written; an unpacked margin that is transparent is meant to be."""
    segments = list(zip(page.dataoffsets, page.databytecounts, strict=True))
    if page.compression != tifffile.COMPRESSION.NONE:
        return packed_tail(file, segments)
    floats = page.dtype is not None and page.dtype.kind == "f"
    return () if page.extrasamples else unpacked_tail(file, segments, white=not floats)


def alpha_of(page: tifffile.TiffPage) -> Alpha | None:
    """What a sample behind the colours is, where the file says it: scanners write infrared there."""
    return _ALPHAS.get(page.extrasamples[0]) if len(page.extrasamples) == 1 else None


def check_page(page: tifffile.TiffPage, file_size: int) -> None:
    """Refuse what this project cannot show, and strips or tiles that claim more than a file or a memory holds."""
    kind = tifffile.PHOTOMETRIC(page.photometric)
    jpeg = kind is tifffile.PHOTOMETRIC.YCBCR and page.compression == tifffile.COMPRESSION.JPEG
    if kind not in (tifffile.PHOTOMETRIC.RGB, tifffile.PHOTOMETRIC.MINISBLACK) and not jpeg:
        raise ValueError(f"expected a grey or RGB TIFF, got {kind.name}")
    if page.bitspersample not in _TIFF_BITS:
        raise ValueError(f"expected 8, 16 or 32 bits a sample, got {page.bitspersample}")
    if page.samplesperpixel > 4:
        raise ValueError(f"expected up to 4 samples a pixel, got {page.samplesperpixel}")
    if page.is_tiled and page.tilewidth * page.tilelength > _LARGEST_TILE_PX:
        raise ValueError(f"expected smaller tiles, got {page.tilewidth}×{page.tilelength}")
    check_tiles(page, file_size)


def _decode_tiff(file: BinaryIO) -> Image:
    with _tiff(file) as tiff:
        page = picture_page(tiff, file)
        pixels: Image = page.asarray()
        return np.moveaxis(pixels, 0, -1) if page.axes == "SYX" else pixels


def _tiff(file: BinaryIO) -> tifffile.TiffFile:
    file.seek(0)
    return tifffile.TiffFile(file)
