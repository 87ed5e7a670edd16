"""JPEG XL: in the colours that its header says, or refused by what it is."""

from __future__ import annotations

import struct
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as PillowImage
from support.reference_photo import encode, turned

from deepfuse.errors import PhotoError
from deepfuse.photo import read_bracket, read_header, read_photo
from deepfuse.photo.jpeg_xl_header import read_jpeg_xl
from deepfuse.photo.preview import read_preview

rng = np.random.default_rng(6)
PICTURE = rng.integers(0, 256, (32, 48, 3), np.uint8)


def save(path: Path, pixels: NDArray[np.generic], **options: object) -> bytes:
    data = bytes(imagecodecs.jpegxl_encode(pixels, **{"lossless": True, **options}))
    path.write_bytes(data)
    return data


@pytest.mark.parametrize("container", [True, False])
def test_eight_bits(tmp_path: Path, container: bool) -> None:
    save(tmp_path / "a.jxl", PICTURE, usecontainer=container)
    assert (read_photo(tmp_path / "a.jxl") == PICTURE).all()
    header = read_header(tmp_path / "a.jxl")
    assert (header.kind, header.depth, header.size, header.profile) == ("JPEG XL", "8-bit", "48×32", "")
    assert read_preview(tmp_path / "a.jxl", 24).shape == (16, 24, 3)


def test_lossy_and_grey(tmp_path: Path) -> None:
    smooth = np.linspace(20, 220, 48)[None, :, None].repeat(32, axis=0).repeat(3, axis=2).astype(np.uint8)
    save(tmp_path / "a.jxl", smooth, lossless=False, level=95)
    assert np.abs(read_photo(tmp_path / "a.jxl").astype(int) - smooth).max() <= 4
    save(tmp_path / "b.jxl", PICTURE[..., 0])
    assert (read_photo(tmp_path / "b.jxl") == PICTURE[..., :1]).all()


@pytest.mark.parametrize("bits", [10, 12, 16])
def test_linear_light_at_its_depth(tmp_path: Path, bits: int) -> None:
    """As this encoder names everything above eight bits."""
    deep = rng.integers(2 ** (bits - 2), 2**bits, (32, 48, 3)).astype(np.uint16)
    save(tmp_path / "a.jxl", deep, bitspersample=bits)
    assert read_header(tmp_path / "a.jxl").profile == "BT.709, linear"
    got = read_photo(tmp_path / "a.jxl")
    assert got.dtype == np.uint16
    assert np.abs(got / 65535 - encode(deep / (2**bits - 1))).max() < 0.3 / 255


def test_floats(tmp_path: Path) -> None:
    light = rng.uniform(0.1, 1, (32, 48, 3)).astype(np.float32)
    save(tmp_path / "a.jxl", light)
    assert read_header(tmp_path / "a.jxl").depth == "float"
    assert np.abs(read_photo(tmp_path / "a.jxl") - encode(light)).max() < 0.3 / 255


def test_an_alpha_is_where_there_is_picture(tmp_path: Path) -> None:
    opacity = np.full((32, 48), 255, np.uint8)
    opacity[:, :10] = 0
    save(tmp_path / "a.jxl", np.dstack([PICTURE, opacity]))
    (picture,) = read_bracket([tmp_path / "a.jxl"])
    assert picture.valid is not None
    assert (picture.valid == (opacity > 0)).all()


def test_exif_counts_but_not_its_orientation(tmp_path: Path) -> None:
    exif = PillowImage.Exif()
    exif[0x0112], exif[0x010F] = 6, "Maker"
    block = bytes(4) + exif.tobytes().removeprefix(b"Exif\0\0")
    data = save(tmp_path / "a.jxl", PICTURE, usecontainer=True)
    (tmp_path / "a.jxl").write_bytes(data + struct.pack(">I", 8 + len(block)) + b"Exif" + block)
    header = read_header(tmp_path / "a.jxl")
    assert (header.camera, header.size) == ("Maker", "48×32")


class Writer:
    """Bits of a header, the lowest of a byte first: ISO/IEC 18181-1, annex D."""

    def __init__(self) -> None:
        self.bits: list[int] = []

    def put(self, value: int, count: int = 1) -> Writer:
        self.bits += [value >> index & 1 for index in range(count)]
        return self

    def enum(self, value: int) -> Writer:
        if value < 2:
            return self.put(value, 2)
        return self.put(2, 2).put(value - 2, 4) if value < 18 else self.put(3, 2).put(value - 18, 6)

    def stream(self) -> bytes:
        whole = self.bits + [0] * (-len(self.bits) % 8)
        packed = (sum(bit << place for place, bit in enumerate(whole[at : at + 8])) for at in range(0, len(whole), 8))
        return b"\xff\x0a" + bytes(packed) + bytes(16)


def header_of(
    *, orientation: int = 1, primaries: int = 1, transfer: int = 13, film: bool = False, icc: bool = False
) -> bytes:
    """Of 24 by 16 pixels and ten bits."""
    writer = Writer().put(1).put(1, 5).put(4, 3).put(0)
    writer.put(1).put(orientation - 1, 3).put(0).put(0).put(film)
    if film:
        return writer.stream()
    writer.put(0).put(1, 2).put(1).put(0, 2).put(0).put(0).put(icc)  # depth, buffers, no channels, not XYB, colours
    return (writer if icc else writer.enum(0).enum(1).enum(primaries).put(0).enum(transfer)).stream()


CODES = [((1, 13), (1, 13)), ((11, 13), (12, 13)), ((9, 16), (9, 16)), ((9, 18), (9, 18)), ((1, 1), (1, 1))]


@pytest.mark.parametrize(("said", "codes"), CODES)
def test_colours_by_numbers(said: tuple[int, int], codes: tuple[int, int]) -> None:
    header = read_jpeg_xl(header_of(primaries=said[0], transfer=said[1]))
    assert (header.codes, header.bits, header.width, header.height) == (codes, 10, 24, 16)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_it_is_turned_once(tmp_path: Path, orientation: int) -> None:
    """This encoder turns nothing: its header is written anew, up to where the frame begins at a whole byte."""
    pixels = PICTURE[:16, :24]
    data = save(tmp_path / "a.jxl", pixels, usecontainer=False)
    start = Writer().put(int.from_bytes(data[2:5], "little"), 24).bits
    turning = Writer().put(1).put(orientation - 1, 3).put(0, 3).bits  # no other size, no preview, no film
    told = Writer()
    told.bits = [*start[:10], *turning, *start[11:19], 1, *start[19:22]]  # tone mapping as usual
    header = told.stream()[:-16]
    (tmp_path / "a.jxl").write_bytes(header + data[5:])
    expected = turned(pixels, orientation)
    assert read_header(tmp_path / "a.jxl").size == f"{expected.shape[1]}×{expected.shape[0]}"
    assert (read_photo(tmp_path / "a.jxl") == expected).all()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (header_of(primaries=9, transfer=16), "standard range, got PQ"),
        (header_of(primaries=9, transfer=18), "standard range, got HLG"),
        (header_of(icc=True), "got a profile"),
        (header_of(primaries=2), "got a profile or another space"),
        (header_of(film=True), "animated"),
    ],
)
def test_others_are_named(tmp_path: Path, data: bytes, said: str) -> None:
    (tmp_path / "a.jxl").write_bytes(data)
    with pytest.raises(PhotoError, match=rf"a\.jxl: .*{said}"):
        read_header(tmp_path / "a.jxl")


def test_cut_short_or_too_large_it_is_refused(tmp_path: Path) -> None:
    for container in (True, False):
        whole = save(tmp_path / "a.jxl", PICTURE, usecontainer=container)
        for share in (0.01, 0.3, 0.6, 0.95):
            (tmp_path / "a.jxl").write_bytes(whole[: int(len(whole) * share)])
            with pytest.raises(PhotoError):
                read_photo(tmp_path / "a.jxl")
    huge = Writer().put(0).put(3, 2).put(89_999, 30).put(1, 3).put(1)
    (tmp_path / "a.jxl").write_bytes(huge.stream())
    with pytest.raises(PhotoError, match="megapixels"):
        read_header(tmp_path / "a.jxl")
