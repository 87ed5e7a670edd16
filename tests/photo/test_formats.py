"""Formats beside those of test_photo.py: HEIC, Ultra HDR, odd PNGs and TIFFs, names that lie."""

from __future__ import annotations

from pathlib import Path

import imagecodecs
import numpy as np
import pillow_heif
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image as PillowImage
from PIL.TiffImagePlugin import IFDRational
from support.reference_photo import converted, decode, turned

from deepfuse.errors import PhotoError
from deepfuse.photo import read_header, read_photo, write_photo

rng = np.random.default_rng(6)


def save_heic(path: Path, pixels: NDArray[np.generic], bits: int, **options: object) -> None:
    """Lossless: identity matrix, no subsampling."""
    mode, data = ("RGB", pixels) if bits == 8 else ("RGB;16", pixels << (16 - bits))
    height, width, _ = pixels.shape
    heif = pillow_heif.from_bytes(mode, (width, height), data.tobytes())
    heif.save(path, quality=-1, chroma=444, matrix_coefficients=0, **options)


def test_heic_of_8_and_10_bits(tmp_path: Path) -> None:
    eight, ten = rng.integers(0, 256, (64, 80, 3), np.uint8), rng.integers(0, 1024, (64, 80, 3), np.uint16)
    ten[0, 0], ten[0, 1] = 0, 1023
    save_heic(tmp_path / "8.heic", eight, 8)
    save_heic(tmp_path / "10.hif", ten, 10)
    assert (read_photo(tmp_path / "8.heic") == eight).all()
    assert (read_photo(tmp_path / "10.hif") == np.rint(ten * (65535 / 1023))).all()
    header = read_header(tmp_path / "10.hif")
    assert (header.kind, header.depth, header.width, header.height) == ("HEIC", "16-bit", 80, 64)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_heic_is_turned_once(tmp_path: Path, orientation: int) -> None:
    """The file says its orientation twice: as boxes, which libheif undoes, and in EXIF, as phones do."""
    stored = rng.integers(0, 256, (64, 96, 3), np.uint8)
    exif = PillowImage.Exif()
    exif[0x0112] = orientation
    save_heic(tmp_path / "a.heic", stored, 8, exif=exif.tobytes())
    expected = turned(stored, orientation)
    assert (read_photo(tmp_path / "a.heic") == expected).all()
    assert read_header(tmp_path / "a.heic").size == f"{expected.shape[1]}×{expected.shape[0]}"


def test_heic_that_names_display_p3_or_pq(tmp_path: Path) -> None:
    flat = np.full((64, 64, 3), (200, 120, 60), np.uint8)
    save_heic(tmp_path / "p3.heic", flat, 8, color_primaries=12, transfer_characteristics=13)
    expected = 255 * converted(decode(flat[0, 0] / 255), "p3")
    assert np.abs(read_photo(tmp_path / "p3.heic").astype(float) - expected).max() <= 1
    assert "Display P3" in read_header(tmp_path / "p3.heic").profile
    save_heic(tmp_path / "pq.heic", flat.astype(np.uint16), 10, color_primaries=9, transfer_characteristics=16)
    with pytest.raises(PhotoError, match=r"pq\.heic: .*standard range, got PQ"):
        read_photo(tmp_path / "pq.heic")


def test_ultra_hdr_is_its_base_picture(tmp_path: Path) -> None:
    light = np.ones((64, 96, 4), np.float16)
    light[:, :48, :3] = 0.2
    (tmp_path / "a.jpg").write_bytes(imagecodecs.ultrahdr_encode(light))
    assert b"iso:ts:21496:-1" in (tmp_path / "a.jpg").read_bytes()
    with PillowImage.open(tmp_path / "a.jpg") as base:
        expected = np.asarray(base.convert("RGB"))
    got = read_photo(tmp_path / "a.jpg")
    assert got.shape == (64, 96, 3)
    assert np.abs(got.astype(int) - expected).max() <= 3  # its profile is all but sRGB
    assert got[:, :40].mean() < got[:, 56:].mean()


def test_a_tiff_is_its_first_page_and_a_palette_is_looked_up(tmp_path: Path) -> None:
    pages = rng.integers(0, 256, (2, 24, 32, 3), np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", pages, photometric="rgb")
    assert (read_photo(tmp_path / "a.tif") == pages[0]).all()
    picture = PillowImage.fromarray(pages[0]).quantize(16)
    picture.save(tmp_path / "palette.png")
    assert (read_photo(tmp_path / "palette.png") == np.asarray(picture.convert("RGB"))).all()
    clear = np.dstack([pages[0], rng.integers(0, 256, (24, 32), np.uint8)])
    PillowImage.fromarray(clear).save(tmp_path / "alpha.png")
    assert (read_photo(tmp_path / "alpha.png") == pages[0]).all()


def test_the_content_decides_not_the_name(tmp_path: Path) -> None:
    picture = rng.integers(0, 256, (24, 32, 3), np.uint8)
    write_photo(tmp_path / "a.png", picture)
    for name in ("a.jpg", "a.tif", "a.dng"):
        (tmp_path / "a.png").rename(tmp_path / name)
        assert (read_photo(tmp_path / name) == picture).all()
        assert read_header(tmp_path / name).kind == "PNG"
        (tmp_path / name).rename(tmp_path / "a.png")


def test_exif_of_heic_is_read(tmp_path: Path) -> None:
    exif = PillowImage.Exif()
    exif[0x0110] = "Phone"
    exif[0x8769] = {0x829A: IFDRational(1, 125)}
    save_heic(tmp_path / "a.heic", np.zeros((64, 64, 3), np.uint8), 8, exif=exif.tobytes())
    found = read_header(tmp_path / "a.heic")
    assert found.camera == "Phone"
    assert found.exposure.time_s == pytest.approx(1 / 125)


@pytest.mark.parametrize("suffix", [".jfif", ".jpe"])
def test_other_suffixes_of_jpeg_are_photos_too(tmp_path: Path, suffix: str) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8)
    write_photo(tmp_path / "a.jpg", picture)
    (tmp_path / "a.jpg").rename(tmp_path / f"a{suffix}")
    assert read_header(tmp_path / f"a{suffix}").kind == "JPEG"
