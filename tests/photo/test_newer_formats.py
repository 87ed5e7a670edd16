"""AVIF, WebP and JPEG 2000: at their own depth and in their own colours, or refused by what they are."""

from __future__ import annotations

import io
import struct
from contextlib import suppress
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as PillowImage
from support.bad_files import patched
from support.reference_photo import ADOBE_GAMMA, converted, decode, turned

from deepfuse.errors import PhotoError
from deepfuse.photo import read_bracket, read_header, read_photo
from deepfuse.photo.preview import read_preview
from deepfuse.photo.spaces import named_space

rng = np.random.default_rng(6)
PICTURE = rng.integers(0, 256, (32, 48, 3), np.uint8)
COLOUR = (200, 120, 60)
FLAT = np.full((32, 48, 3), COLOUR, np.uint8)
ADOBE = named_space("adobe-rgb").icc
EXACT = {
    "webp": {"lossless": True},
    "jp2": {},
    "avif": {"quality": 100, "subsampling": "4:4:4"},
}


def saved(path: Path, pixels: NDArray[np.generic], **options: object) -> Path:
    PillowImage.fromarray(pixels).save(path, **{**EXACT[path.suffix[1:]], **options})
    return path


KINDS = [("webp", "WebP", 0), ("jp2", "JPEG 2000", 0), ("avif", "AVIF", 4)]


@pytest.mark.parametrize(("suffix", "kind", "error"), KINDS)
def test_eight_bits(tmp_path: Path, suffix: str, kind: str, error: int) -> None:
    """AVIF goes by way of YCbCr."""
    path = saved(tmp_path / f"a.{suffix}", PICTURE)
    got = read_photo(path)
    assert got.dtype == np.uint8
    assert np.abs(got.astype(int) - PICTURE).max() <= error
    header = read_header(path)
    assert (header.kind, header.depth, header.size, header.profile) == (kind, "8-bit", "48×32", "")
    assert read_preview(path, 24).shape == (16, 24, 3)


@pytest.mark.parametrize("bits", [10, 12, 16])
def test_jpeg_2000_keeps_its_depth(tmp_path: Path, bits: int) -> None:
    deep = rng.integers(0, 1 << bits, (32, 48, 3)).astype(np.uint16)
    expected = np.rint(deep * (65535 / (2**bits - 1)))
    for form in ("jp2", "j2k"):
        path = tmp_path / f"a.{form}"
        path.write_bytes(imagecodecs.jpeg2k_encode(deep, level=0, bitspersample=bits, codecformat=form))
        assert (read_photo(path) == expected).all()
        assert read_header(path).depth == "16-bit"


@pytest.mark.parametrize("bits", [10, 12])
def test_avif_keeps_its_depth(tmp_path: Path, bits: int) -> None:
    top = 2**bits - 1
    ramp = np.linspace(0, top, 48).astype(np.uint16)[None, :, None].repeat(32, axis=0).repeat(3, axis=2)
    (tmp_path / "a.avif").write_bytes(imagecodecs.avif_encode(ramp, level=100, bitspersample=bits))
    got = read_photo(tmp_path / "a.avif")
    assert np.abs(got - ramp * (65535 / top)).max() < 65535 / 255 / 2, "finer than 8 bits"
    assert read_header(tmp_path / "a.avif").depth == "16-bit"


@pytest.mark.parametrize("suffix", ["webp", "avif"])
def test_the_profile_counts(tmp_path: Path, suffix: str) -> None:
    path = saved(tmp_path / f"a.{suffix}", FLAT, icc_profile=ADOBE)
    expected = 255 * converted((FLAT[0, 0] / 255) ** ADOBE_GAMMA, "adobe")
    assert read_photo(path)[16, 24] == pytest.approx(expected, abs=3)
    assert read_header(path).profile == "Adobe RGB (1998)"


def test_the_profile_of_jpeg_2000_counts(tmp_path: Path) -> None:
    data = bytes(imagecodecs.jpeg2k_encode(FLAT, level=0))
    (tmp_path / "a.jp2").write_bytes(_with_colour(data, b"\2\0\0" + ADOBE))
    assert read_header(tmp_path / "a.jp2").profile == "Adobe RGB (1998)"
    (tmp_path / "a.jp2").write_bytes(_with_colour(data, b"\1\0\0" + struct.pack(">I", 18)))
    with pytest.raises(PhotoError, match="got colour space 18"):
        read_header(tmp_path / "a.jp2")


def _with_colour(data: bytes, colour: bytes) -> bytes:
    """A JP2 whose `colr` box is another one; the box round it is made longer."""
    at, outer = data.index(b"colr") - 4, data.index(b"jp2h") - 4
    new = struct.pack(">I", 8 + len(colour)) + b"colr" + colour
    old = int.from_bytes(data[at : at + 4], "big")
    longer = int.from_bytes(data[outer : outer + 4], "big") + len(new) - old
    return patched(data[:at], outer, struct.pack(">I", longer)) + new + data[at + old :]


@pytest.mark.parametrize(("codes", "name"), [((12, 13), "Display P3"), ((1, 13), ""), ((9, 16), None), ((9, 18), None)])
def test_the_codes_of_avif_count(tmp_path: Path, codes: tuple[int, int], name: str | None) -> None:
    data = saved(tmp_path / "a.avif", FLAT).read_bytes()
    (tmp_path / "a.avif").write_bytes(patched(data, data.index(b"colrnclx") + 8, struct.pack(">HH", *codes)))
    if name is None:
        with pytest.raises(PhotoError, match="standard range"):
            read_header(tmp_path / "a.avif")
        return
    assert read_header(tmp_path / "a.avif").profile == name
    expected = converted(decode(np.array(COLOUR) / 255), "p3") if name else np.array(COLOUR) / 255
    assert read_photo(tmp_path / "a.avif")[16, 24] / 255 == pytest.approx(expected, abs=0.015)


@pytest.mark.parametrize("suffix", ["webp", "avif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_they_are_turned_once(tmp_path: Path, suffix: str, orientation: int) -> None:
    exif = PillowImage.Exif()
    exif[0x0112], exif[0x010F] = orientation, "Maker"
    exif.get_ifd(0x8769)[0x829A] = 0.25
    smooth = np.dstack(
        [np.outer(np.arange(32), np.ones(48)) * 5, np.outer(np.ones(32), np.arange(48)) * 4, np.ones((32, 48))]
    )
    path = saved(tmp_path / f"a.{suffix}", smooth.astype(np.uint8), exif=exif)
    expected = turned(smooth, orientation)
    got = read_photo(path)
    assert got.shape == expected.shape
    assert np.abs(got - expected).max() < 8
    assert read_header(path).exposure.time_s == 0.25


@pytest.mark.parametrize("suffix", ["webp", "avif", "jp2"])
def test_an_alpha_is_where_there_is_picture(tmp_path: Path, suffix: str) -> None:
    opacity = np.full((32, 48), 255, np.uint8)
    opacity[:, :10] = 0
    path = saved(tmp_path / f"a.{suffix}", np.dstack([PICTURE, opacity]))
    (picture,) = read_bracket([path])
    assert picture.valid is not None
    assert (picture.valid == (opacity > 0)).all()


def test_films_are_refused(tmp_path: Path) -> None:
    for suffix in ("webp", "avif"):
        saved(tmp_path / f"a.{suffix}", PICTURE, save_all=True, append_images=[PillowImage.fromarray(255 - PICTURE)])
        with pytest.raises(PhotoError, match="animated"):
            read_header(tmp_path / f"a.{suffix}")


@pytest.mark.parametrize("suffix", ["webp", "avif", "jp2"])
def test_cut_short_or_damaged_they_are_refused_or_read(tmp_path: Path, suffix: str) -> None:
    whole = saved(tmp_path / f"a.{suffix}", PICTURE).read_bytes()
    for share in (0.1, 0.3, 0.6, 0.95):
        (tmp_path / f"a.{suffix}").write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(PhotoError):
            read_photo(tmp_path / f"a.{suffix}")
    for _ in range(60):
        damaged = bytearray(whole)
        for at in rng.integers(4, 200, 3):
            damaged[at] ^= 1 << rng.integers(8)
        (tmp_path / f"a.{suffix}").write_bytes(damaged)
        with suppress(PhotoError):
            assert read_photo(tmp_path / f"a.{suffix}").shape[2] == 3


def test_sizes_that_they_claim_are_limited(tmp_path: Path) -> None:
    j2k = bytes(imagecodecs.jpeg2k_encode(PICTURE, level=0, codecformat="j2k"))
    (tmp_path / "a.j2k").write_bytes(patched(j2k, 8, struct.pack(">II", 90_000, 90_000)))
    lossy = io.BytesIO()
    PillowImage.fromarray(PICTURE).save(lossy, "WEBP", quality=80)
    (tmp_path / "a.webp").write_bytes(patched(lossy.getvalue(), 26, struct.pack("<HH", 16383, 16383)))
    for name in ("a.j2k", "a.webp"):
        with pytest.raises(PhotoError, match="megapixels"):
            read_header(tmp_path / name)
