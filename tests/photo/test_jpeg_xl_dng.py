"""DNG of version 1.7 whose pixels are JPEG XL: the same as of a plain file, and refused where they are damaged."""

from __future__ import annotations

import struct
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray
from support.dngs import CAMERA, LINEAR_RAW, VERSION_1_7, Changes, cropped, dng, write

from deepfuse.errors import PhotoError
from deepfuse.metadata.directories import entry_of_numbers
from deepfuse.metadata.tiff import LONG, SHORT
from deepfuse.photo import read_bracket, read_header, read_photo
from deepfuse.photo.jpeg_xl_header import size_of_jpeg_xl
from deepfuse.photo.preview import read_preview

MOSAIC = np.random.default_rng(7).integers(CAMERA.black_level, CAMERA.white_level, (64, 96)).astype(np.uint16)
PACKED: Changes = {**VERSION_1_7, 259: entry_of_numbers(259, SHORT, [52546])}


def jpeg_xl(pixels: NDArray[np.generic], **how: object) -> bytes:
    return bytes(imagecodecs.jpegxl_encode(np.ascontiguousarray(pixels), lossless=True, **how))


def tiles(pixels: NDArray[np.uint16], height: int, width: int) -> list[bytes]:
    """Those at the right and lower edge are filled up."""
    rows, columns = pixels.shape[:2]
    filled = np.pad(pixels, [(0, -rows % height), (0, -columns % width), *[(0, 0)] * (pixels.ndim - 2)], mode="edge")
    return [
        jpeg_xl(filled[top : top + height, left : left + width])
        for top in range(0, rows, height)
        for left in range(0, columns, width)
    ]


def fields(pixels: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """As a mosaic is packed: colours apart."""
    rows = np.concatenate([pixels[0::2], pixels[1::2]])
    return np.concatenate([rows[:, 0::2], rows[:, 1::2]], axis=1)


STRIPS = {278: entry_of_numbers(278, LONG, [40])}
FIELDS = {tag: entry_of_numbers(tag, LONG, [2]) for tag in (50975, 52547)}


@pytest.mark.parametrize(
    ("parts", "tile", "changes"),
    [
        pytest.param([jpeg_xl(MOSAIC)], None, {}, id="one strip"),
        pytest.param([jpeg_xl(MOSAIC[:40]), jpeg_xl(MOSAIC[40:])], None, STRIPS, id="strips"),
        pytest.param(tiles(MOSAIC, 32, 48), (32, 48), {}, id="tiles"),
        pytest.param(tiles(MOSAIC, 48, 64), (48, 64), {}, id="tiles beyond the edge"),
        pytest.param([jpeg_xl(fields(MOSAIC))], None, FIELDS, id="fields"),
        pytest.param([jpeg_xl(MOSAIC, usecontainer=True)], None, {}, id="container"),
    ],
)  # fmt: skip
def test_it_is_read_as_a_plain_file(
    tmp_path: Path, parts: list[bytes], tile: tuple[int, int] | None, changes: Changes
) -> None:
    plain = write(tmp_path / "plain.dng", dng(MOSAIC))
    path = write(tmp_path / "a.dng", dng(MOSAIC, {**PACKED, **changes}, parts=parts, tile=tile))
    assert (read_photo(path) == read_photo(plain)).all()
    assert read_header(path) == read_header(plain)
    assert (read_preview(path, 48) == read_preview(plain, 48)).all()
    (alone,), (expected,) = (list(read_bracket([one])) for one in (path, plain))
    assert (alone.pixels == expected.pixels).all(), "white balance and white level too"


def test_three_samples_of_ten_bits(tmp_path: Path) -> None:
    """As phones write what they have made of several shots."""
    pixels = np.random.default_rng(8).integers(0, 1024, (64, 96, 3)).astype(np.uint16)
    linear: Changes = {
        33421: None, 33422: None, 262: entry_of_numbers(262, SHORT, [LINEAR_RAW]), 50714: None,
        50717: entry_of_numbers(50717, LONG, [1023]),
    }  # fmt: skip
    sixteen, ten = (entry_of_numbers(258, SHORT, [bits] * 3) for bits in (16, 10))
    plain = write(tmp_path / "plain.dng", dng(pixels, {**linear, 258: sixteen}))
    parts = [jpeg_xl(pixels, bitspersample=10)]
    path = write(tmp_path / "a.dng", dng(pixels, {**PACKED, **linear, 258: ten}, parts=parts))
    assert (read_photo(path) == read_photo(plain)).all()


def test_the_crop_counts_here_too(tmp_path: Path) -> None:
    changes = {**PACKED, **cropped(4, 6, 48, 80)}
    path = write(tmp_path / "a.dng", dng(MOSAIC, changes, parts=[jpeg_xl(MOSAIC)]))
    whole = read_photo(write(tmp_path / "plain.dng", dng(MOSAIC)))
    assert (read_photo(path) == whole[4:52, 6:86]).all()


@pytest.mark.parametrize(
    ("part", "said"),
    [
        (jpeg_xl(MOSAIC[:32]), "expected a part of 96×64 pixels, got 96×32"),
        (jpeg_xl(np.zeros((4000, 4000), np.uint16)), "got 4000×4000"),
        (jpeg_xl(np.dstack([MOSAIC] * 3)), "expected 1 samples a pixel, got 3"),
        (jpeg_xl(MOSAIC)[:2000], "cannot be decoded"),
        (b"\xff\x0a", "expected JPEG XL"),
        (bytes(500), "expected JPEG XL"),
    ],
)
def test_what_is_damaged_is_refused(tmp_path: Path, part: bytes, said: str) -> None:
    path = write(tmp_path / "a.dng", dng(MOSAIC, PACKED, parts=[part]))
    with pytest.raises(PhotoError, match=rf"a\.dng: .*{said}"):
        read_photo(path)


def test_a_huge_sensor_round_a_small_picture_is_refused(tmp_path: Path) -> None:
    huge = {tag: entry_of_numbers(tag, LONG, [30_000]) for tag in (256, 257)}
    path = write(tmp_path / "a.dng", dng(MOSAIC, {**PACKED, **huge, **cropped(0, 0, 64, 96)}, parts=[jpeg_xl(MOSAIC)]))
    with pytest.raises(PhotoError, match="about the sensor's size"):
        read_header(path)


@pytest.mark.parametrize("size", [(8, 8), (15, 23), (192, 288), (256, 512), (540, 960), (777, 3001), (9000, 10)])
@pytest.mark.parametrize("container", [False, True])
def test_the_size_that_jpeg_xl_claims(size: tuple[int, int], container: bool) -> None:
    assert size_of_jpeg_xl(jpeg_xl(np.zeros(size, np.uint8), usecontainer=container)) == size[::-1]


def test_no_part_is_missing(tmp_path: Path) -> None:
    whole = dng(MOSAIC, PACKED, parts=tiles(MOSAIC, 32, 48), tile=(32, 48))
    start = struct.unpack_from("<I", whole, 4)[0]
    rows = range(start + 2, start + 2 + 12 * struct.unpack_from("<H", whole, start)[0], 12)
    data = bytearray(whole)
    for row in rows:
        if struct.unpack_from("<H", data, row)[0] in (324, 325):
            struct.pack_into("<I", data, row + 4, 3)
    with pytest.raises(PhotoError, match="expected 4 parts of the picture, got 3"):
        read_photo(write(tmp_path / "a.dng", bytes(data)))
