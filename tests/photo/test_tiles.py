"""Headers that lie about what lies behind them: refused before anything of the size is allocated."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from support.bad_files import PICTURE, SIZE, encoded, jpeg_claiming, patched, tiff, tiff_with

from deepfuse.errors import PhotoError
from deepfuse.photo import Limits, read_header, read_photo
from deepfuse.photo.preview import read_preview

LARGE = np.random.default_rng(5).integers(0, 256, (600, 700, 3), np.uint8)
SMALL = {256: SIZE[1], 257: SIZE[0], 278: SIZE[0]}
EVERY_PATH: tuple[Callable[[Path], object], ...] = (read_header, read_photo, lambda path: read_preview(path, 96))


def jp2(codestream: bytes) -> bytes:
    """In boxes, with a smaller codestream in one that no decoder looks into."""
    decoy = bytes(imagecodecs.jpeg2k_encode(PICTURE, codecformat="j2k"))
    return b"".join(
        struct.pack(">I4s", 8 + len(data), kind) + data
        for kind, data in ((b"jP  ", b"\r\n\x87\n"), (b"uuid", decoy), (b"jp2c", codestream))
    )


CODECS = {
    "jpeg": (7, lambda pixels: bytes(imagecodecs.jpeg8_encode(pixels))),
    "progressive": (7, lambda pixels: encoded(pixels, format="JPEG", progressive=True)),
    "jpeg2000": (34712, lambda pixels: bytes(imagecodecs.jpeg2k_encode(pixels, codecformat="j2k"))),
    "jp2": (33005, lambda pixels: jp2(bytes(imagecodecs.jpeg2k_encode(pixels, codecformat="j2k")))),
    "png": (34933, lambda pixels: bytes(imagecodecs.png_encode(pixels))),
}


def tiff_of(tile: bytes, compression: int) -> bytes:
    """A TIFF of the small picture's size whose only strip is this one."""
    data = tiff(rowsperstrip=SIZE[0])
    return tiff_with({259: compression, 273: len(data), 279: len(tile), 262: 6 if compression == 7 else 2}, data) + tile


@pytest.mark.parametrize("read", EVERY_PATH)
@pytest.mark.parametrize("codec", CODECS)
def test_a_tile_larger_than_the_directory_says_is_refused(
    tmp_path: Path, codec: str, read: Callable[[Path], object]
) -> None:
    compression, encode = CODECS[codec]
    path = tmp_path / "a.tif"
    path.write_bytes(tiff_of(encode(LARGE), compression))
    with pytest.raises(PhotoError, match=r"a\.tif: .*expected tiles of 80×64 pixels, got 700×600 in one"):
        read(path)


@pytest.mark.parametrize("codec", ["jpeg", "progressive", "jpeg2000", "png"])
def test_a_tile_of_the_right_size_is_read(tmp_path: Path, codec: str) -> None:
    compression, encode = CODECS[codec]
    (tmp_path / "a.tif").write_bytes(tiff_of(encode(PICTURE), compression))
    assert read_photo(tmp_path / "a.tif").shape == PICTURE.shape


# tifffile writes no ImageDepth by itself
LAYERS = tiff(extratags=[(60000, 4, 1, 9, True)]).replace(struct.pack("<HH", 60000, 4), struct.pack("<HH", 32997, 4))
DAMAGED = {
    "other bytes in a tile": (tiff_of(b"\0" * 900, 7), "expected a JPEG in each strip or tile, got other bytes"),
    "JPEG 2000": (tiff_of(b"\0" * 900, 34712), "expected JPEG 2000 in each strip or tile"),
    "a codec that is not for photos": (tiff_of(b"\0" * 900, 50002), "compressed as usual for photos, got JPEGXL"),
    "several layers": (LAYERS, "of one layer, got 9"),
    "too few strips": (tiff_with({278: 1}, tiff(compression="deflate", rowsperstrip=64)), "expected 64 strips"),
    "an empty strip": (tiff_with({279: 0}, tiff(compression="deflate", rowsperstrip=64)), "expected 0 bytes of pixels"),
    "a strip too short": (tiff_with({279: 900}, tiff(rowsperstrip=64)), "expected 15360 bytes of pixels, got 900"),
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGED)
def test_strips_that_are_not_there_are_refused_by_the_header(tmp_path: Path, name: str) -> None:
    data, message = DAMAGED[name]
    (tmp_path / "a.tif").write_bytes(data)
    with pytest.raises(PhotoError, match=message):
        read_header(tmp_path / "a.tif")


def png_chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


PNG = encoded(format="PNG")
HUGE = png_chunk(b"IHDR", struct.pack(">II", 60000, 60000) + b"\x08\x02\0\0\0")


@pytest.mark.parametrize("read", EVERY_PATH)
@pytest.mark.parametrize(
    "data", [PNG[:33] + HUGE + PNG[33:], PNG[:8] + png_chunk(b"tEXt", b"a\0b") + PNG[8:], PNG[:8] + HUGE + PNG[8:]]
)
def test_a_png_with_two_headers_or_a_chunk_before_it_is_refused(
    tmp_path: Path, data: bytes, read: Callable[[Path], object]
) -> None:
    (tmp_path / "a.png").write_bytes(data)
    with pytest.raises(PhotoError, match=r"a\.png: .*expected a PNG with one header, before all else"):
        read(tmp_path / "a.png")


def test_previews_keep_the_limits(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg_claiming(60000, 60000))
    with pytest.raises(PhotoError, match=r"a\.jpg: expected at most 250 megapixels, got 60000×60000"):
        read_preview(tmp_path / "a.jpg", 96)
    (tmp_path / "b.jpg").write_bytes(patched(encoded(format="JPEG"), 2, b""))
    with pytest.raises(PhotoError, match=r"b\.jpg: expected at most 1e-06 GB"):
        read_preview(tmp_path / "b.jpg", 96, limits=Limits(file_gb=1e-6))
    with pytest.raises(PhotoError, match="expected a file, got a folder"):
        read_preview(tmp_path, 96)
