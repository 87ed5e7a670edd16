"""The strips and tiles of a TIFF: refused before they are decoded where they are not what the directory says."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from math import prod

import tifffile

from deepfuse.photo.deep_jpeg import frame_header
from deepfuse.photo.jpeg2000 import size_of_jpeg2000

_COMPRESSION = tifffile.COMPRESSION
# Their decoders are told how much to make of a strip or tile.
_STREAMS = {
    _COMPRESSION.NONE, _COMPRESSION.LZW, _COMPRESSION.ADOBE_DEFLATE, _COMPRESSION.DEFLATE, _COMPRESSION.PACKBITS,
    _COMPRESSION.LZMA, _COMPRESSION.ZSTD, _COMPRESSION.ZSTD_DEPRECATED,
}  # fmt: skip
_JPEG_START = b"\xff\xd8"


def check_tiles(page: tifffile.TiffPage, file_size: int) -> None:
    """Make sure that each strip or tile is there, and decodes to no more than the directory says.

    Raises:
        ValueError: what is wrong.
    """
    if page.imagedepth != 1:
        raise ValueError(f"expected a TIFF of one layer, got {page.imagedepth}")
    expected, got = 1 if page.is_contiguous else prod(page.chunked), len(page.dataoffsets)
    if got < expected or got != len(page.databytecounts):
        raise ValueError(f"expected {expected} strips or tiles, got {got} with {len(page.databytecounts)} lengths")
    for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True):
        if not 0 < offset <= offset + count <= file_size or not count:
            raise ValueError(
                f"expected {count} bytes of pixels from {offset}, got a file of {file_size}: cut short or damaged"
            )
    if page.compression == _COMPRESSION.NONE:
        needed, there = page.nbytes, sum(page.databytecounts)
        if there < needed:
            raise ValueError(f"expected {needed} bytes of pixels, got {there}: cut short or damaged")
    elif page.compression not in _STREAMS:
        _check_sizes(page)


def _check_sizes(page: tifffile.TiffPage) -> None:
    """Of tiles that are pictures with a header of their own, which alone their decoders believe."""
    if (size_of := _SIZES.get(page.compression)) is None:
        raise ValueError(f"expected a TIFF compressed as usual for photos, got {_name(page.compression)}")
    width, height = (
        (page.tilewidth, page.tilelength)
        if page.is_tiled
        else (page.imagewidth, min(page.rowsperstrip, page.imagelength))
    )
    handle = page.parent.filehandle
    for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True):
        handle.seek(offset)
        found = size_of(handle.read(count))
        if found[0] * found[1] > width * height or found[2] > page.samplesperpixel + 1:
            raise ValueError(f"expected tiles of {width}×{height} pixels, got {found[0]}×{found[1]} in one")


def _name(compression: int) -> str:
    try:
        return _COMPRESSION(compression).name
    except ValueError:
        return f"compression {compression}"


def jpeg_size(data: bytes) -> tuple[int, int, int]:
    """Width, height and components of the frame of a JPEG, lossless ones too.

    Raises:
        ValueError: no frame before the first scan.
    """
    frame = frame_header(io.BytesIO(data)) if data.startswith(_JPEG_START) else None
    if frame is None:
        raise ValueError("expected a JPEG in each strip or tile, got other bytes")
    return frame.width, frame.height, frame.components


def _jpeg2000_size(data: bytes) -> tuple[int, int, int]:
    try:
        width, height, _, components = size_of_jpeg2000(data)
    except ValueError as error:
        raise ValueError(f"expected JPEG 2000 in each strip or tile: {error}") from error
    return width, height, components


def _png_size(data: bytes) -> tuple[int, int, int]:
    if data[12:16] != b"IHDR" or len(data) < 24:
        raise ValueError("expected a PNG in each strip or tile, got other bytes")
    width, height = struct.unpack_from(">II", data, 16)
    return width, height, 1


def _webp_size(data: bytes) -> tuple[int, int, int]:
    """No WebP is larger than this, whose pixels take a gigabyte: what it says of itself need not be read."""
    return 0, 0, 1


_SIZES: dict[int, Callable[[bytes], tuple[int, int, int]]] = {
    _COMPRESSION.OJPEG: jpeg_size,
    _COMPRESSION.JPEG: jpeg_size,
    _COMPRESSION.JPEG_LOSSY: jpeg_size,
    _COMPRESSION.APERIO_JP2000_YCBC: _jpeg2000_size,
    _COMPRESSION.JPEG_2000_LOSSY: _jpeg2000_size,
    _COMPRESSION.APERIO_JP2000_RGB: _jpeg2000_size,
    _COMPRESSION.JPEG2000: _jpeg2000_size,
    _COMPRESSION.PNG: _png_size,
    _COMPRESSION.WEBP: _webp_size,
    _COMPRESSION.WEBP_DEPRECATED: _webp_size,
}
