"""JPEG of 12 bits and lossless: read at their own depth, or refused by what they are."""

from __future__ import annotations

import io
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as PillowImage
from support.bad_files import patched
from support.reference_photo import ADOBE_GAMMA, converted

from deepfuse.errors import PhotoError
from deepfuse.photo import read_header, read_photo
from deepfuse.photo.deep_jpeg import frame_header
from deepfuse.photo.preview import read_preview
from deepfuse.photo.spaces import named_space

rng = np.random.default_rng(6)


def picture(bits: int, *shape: int) -> NDArray[np.generic]:
    return rng.integers(0, 1 << bits, shape or (24, 32, 3)).astype(np.uint8 if bits == 8 else np.uint16)


def jpeg(pixels: NDArray[np.generic], bits: int, **how: object) -> bytes:
    return bytes(imagecodecs.jpeg8_encode(pixels, bitspersample=bits, **how))


def with_segments(data: bytes, *segments: tuple[int, bytes]) -> bytes:
    """Segments right behind the first marker."""
    added = b"".join(bytes([0xFF, marker]) + (len(body) + 2).to_bytes(2, "big") + body for marker, body in segments)
    return data[:2] + added + data[2:]


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("shape", [(24, 32, 3), (24, 32)])
def test_a_lossless_jpeg_is_read_to_the_bit(tmp_path: Path, bits: int, shape: tuple[int, ...]) -> None:
    pixels = picture(bits, *shape)
    (tmp_path / "a.jpg").write_bytes(jpeg(pixels, bits, lossless=True))
    expected = pixels if bits == 8 else np.rint(pixels * (65535 / (2**bits - 1))).astype(np.uint16)
    got = read_photo(tmp_path / "a.jpg")
    assert got.dtype == expected.dtype
    assert (got == (expected if pixels.ndim == 3 else expected[..., None])).all()
    assert read_header(tmp_path / "a.jpg").depth == ("8-bit" if bits == 8 else "16-bit")


def test_a_jpeg_of_12_bits_has_its_levels(tmp_path: Path) -> None:
    ramp = np.repeat(np.arange(1024, 1280, dtype=np.uint16)[None, :, None], 3, axis=2).repeat(16, axis=0)
    (tmp_path / "a.jpg").write_bytes(jpeg(ramp, 12, level=99))
    got = read_photo(tmp_path / "a.jpg")
    assert got.dtype == np.uint16
    assert np.abs(got - ramp * (65535 / 4095)).max() < 65535 / 255 / 4, "finer than 8 bits"
    assert read_preview(tmp_path / "a.jpg", 64).shape == (4, 64, 3)


def test_exif_and_profile_count(tmp_path: Path) -> None:
    flat = np.full((16, 24, 3), (3200, 1920, 960), np.uint16)
    exif = PillowImage.Exif()
    exif[0x0112] = 6
    icc = b"ICC_PROFILE\0\1\1" + named_space("adobe-rgb").icc
    data = with_segments(
        jpeg(flat, 12, level=99), (0xE1, b"Exif\0\0" + exif.tobytes().removeprefix(b"Exif\0\0")), (0xE2, icc)
    )
    (tmp_path / "a.jpg").write_bytes(data)
    header = read_header(tmp_path / "a.jpg")
    assert (header.size, header.profile) == ("16×24", "Adobe RGB (1998)")
    got = read_photo(tmp_path / "a.jpg")[12, 8] / 65535
    assert got == pytest.approx(converted((flat[0, 0] / 4095) ** ADOBE_GAMMA, "adobe"), abs=0.005)


def test_what_is_cut_is_refused(tmp_path: Path) -> None:
    data = jpeg(picture(12), 12, level=99)
    (tmp_path / "a.jpg").write_bytes(data[: len(data) // 2])
    with pytest.raises(PhotoError, match=r"a\.jpg: .*cut short"):
        read_photo(tmp_path / "a.jpg")


@pytest.mark.parametrize(("marker", "said"), [(0xC5, "got a hierarchical one"), (0xF7, "got JPEG-LS")])
def test_others_are_named(tmp_path: Path, marker: int, said: str) -> None:
    data = jpeg(picture(12), 12, level=99)
    (tmp_path / "a.jpg").write_bytes(patched(data, data.index(b"\xff\xc1") + 1, bytes([marker])))
    with pytest.raises(PhotoError, match=said):
        read_header(tmp_path / "a.jpg")


def test_the_size_that_it_claims_is_limited(tmp_path: Path) -> None:
    data = jpeg(picture(12), 12, level=99)
    (tmp_path / "a.jpg").write_bytes(patched(data, data.index(b"\xff\xc1") + 5, b"\xff\xff\xff\xff"))
    with pytest.raises(PhotoError, match="megapixels"):
        read_header(tmp_path / "a.jpg")


@pytest.mark.parametrize("before", [b"\xff" * 30_000_000, b"\xff\xd0" * 15_000_000, b"\xff\xe2\x00\x02" * 100_000])
def test_what_comes_before_the_frame_is_gone_through_so_far_only(before: bytes) -> None:
    """Byte by byte, or segment by segment, all of it would take half a minute and more."""
    read = Counted(b"\xff\xd8" + before)
    with pytest.raises(SyntaxError, match="too much before it"):
        frame_header(read)
    assert read.reads < 80_000


class Counted(io.BytesIO):
    reads = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self.reads += 1
        return super().read(size)
