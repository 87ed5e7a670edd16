"""The strips and tiles of a TIFF: refused before they are decoded where they are not what the directory says."""

from __future__ import annotations

import struct
from collections.abc import Callable
from math import prod

import tifffile

_COMPRESSION = tifffile.COMPRESSION
# Their decoders are told how much to make of a strip or tile.
_STREAMS = {
    _COMPRESSION.NONE, _COMPRESSION.LZW, _COMPRESSION.ADOBE_DEFLATE, _COMPRESSION.DEFLATE, _COMPRESSION.PACKBITS,
    _COMPRESSION.LZMA, _COMPRESSION.ZSTD, _COMPRESSION.ZSTD_DEPRECATED,
}  # fmt: skip
_MAY_STAND_ALONE = {0x01, *range(0xD0, 0xD8)}  # JPEG's TEM and RSTn, which have no length: ITU-T T.81, table B.1
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}  # JPEG's SOFn
_SCAN = 0xDA


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
    """Width, height and components of the frame of a JPEG, lossless ones too (ITU-T T.81, B.2.2).

    Raises:
        ValueError: no frame before the first scan.
    """
    at = 2
    while data[:2] == b"\xff\xd8" and at + 9 < len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker in _FRAMES:
            height, width, components = struct.unpack_from(">HHB", data, at + 5)
            return width, height, components
        if marker == _SCAN:
            break
        if marker == 0xFF:  # fills up
            at += 1
        else:
            at += 2 if marker in _MAY_STAND_ALONE else 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    raise ValueError("expected a JPEG in each strip or tile, got other bytes")


def _jpeg2000_size(data: bytes) -> tuple[int, int, int]:
    """Of a codestream, bare or in boxes (ITU-T T.800, annexes A.5.1 and I.4)."""
    at = 0
    while data[at : at + 2] != b"\xff\x4f" and at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        header = 16 if length == 1 else 8
        if kind == b"jp2c":
            at += header
            break
        longer = int.from_bytes(data[at + 8 : at + 16], "big")
        at += max(header, longer if length == 1 else length)
    if data[at : at + 4] != b"\xff\x4f\xff\x51" or at + 42 > len(data):
        raise ValueError("expected JPEG 2000 in each strip or tile, got other bytes")
    right, bottom = struct.unpack_from(">II", data, at + 8)
    return right, bottom, struct.unpack_from(">H", data, at + 40)[0]


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
