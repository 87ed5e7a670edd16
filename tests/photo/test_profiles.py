"""Colour profiles: converted at the depth of the file, or named where they cannot be."""

from __future__ import annotations

from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image as PillowImage
from support.reference_photo import ADOBE_GAMMA, D65, PRIMARIES, converted, encode

from deepfuse.photo import read_header, read_photo

rng = np.random.default_rng(6)


def adobe_profile() -> bytes:
    flat = [value for x, y in PRIMARIES["adobe"] for value in (x, y, 1.0)]
    return bytes(imagecodecs.cms_profile("rgb", whitepoint=[*D65, 1.0], primaries=flat, gamma=ADOBE_GAMMA))


def colours(dtype: type) -> NDArray[np.generic]:
    """Random colours of a depth, not too dark: there, rounding is amplified."""
    values = rng.uniform(0.15, 1, (24, 32, 3))
    return values.astype(np.float32) if dtype == np.float32 else np.rint(values * np.iinfo(dtype).max).astype(dtype)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_a_profile_is_converted_at_the_depth_of_the_file(tmp_path: Path, dtype: type) -> None:
    pixels = colours(dtype)
    top = 1 if dtype == np.float32 else np.iinfo(dtype).max
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb", iccprofile=adobe_profile())
    got = read_photo(tmp_path / "a.tif")
    assert got.dtype == dtype
    expected = converted((pixels.astype(float) / top) ** ADOBE_GAMMA, "adobe")
    assert np.abs(got.astype(float) / top - expected).max() < (1.5 / 255 if dtype == np.uint8 else 0.3 / 255)
    assert read_header(tmp_path / "a.tif").profile == "RGB built-in"


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_profiles_in_jpeg_and_png(tmp_path: Path, suffix: str) -> None:
    flat = np.full((16, 16, 3), (200, 120, 60), np.uint8)
    PillowImage.fromarray(flat).save(tmp_path / f"a{suffix}", icc_profile=adobe_profile())
    expected = 255 * converted((flat[0, 0] / 255) ** ADOBE_GAMMA, "adobe")
    assert np.abs(read_photo(tmp_path / f"a{suffix}").astype(float) - expected).max() < 2.5


def test_a_grey_profile_is_converted(tmp_path: Path) -> None:
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    profile = bytes(imagecodecs.cms_profile("gray", gamma=1.8))
    tifffile.imwrite(tmp_path / "a.tif", grey, photometric="minisblack", iccprofile=profile)
    got = read_photo(tmp_path / "a.tif").astype(float)
    assert got.shape == (16, 16, 3)
    assert np.abs(got - 255 * encode((grey / 255) ** 1.8)[..., None]).max() <= 1.5


@pytest.mark.parametrize("case", ["srgb", "broken", "grey"])
def test_profiles_that_change_nothing_but_the_record(tmp_path: Path, case: str) -> None:
    icc = {
        "srgb": bytes(imagecodecs.cms_profile("srgb")),
        "broken": adobe_profile()[:200],
        "grey": bytes(imagecodecs.cms_profile("gray", gamma=1.0)),
    }[case]
    pixels = colours(np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb", iccprofile=icc)
    assert (read_photo(tmp_path / "a.tif") == pixels).all()
    record = read_header(tmp_path / "a.tif").profile
    assert record == {"srgb": "sRGB built-in", "broken": "unreadable profile, taken as sRGB"}.get(case, record)
    assert record.endswith("taken as sRGB") == (case != "srgb")


def test_a_jpeg_that_is_adobe_rgb_by_exif_alone(tmp_path: Path) -> None:
    flat = np.full((16, 16, 3), (200, 120, 60), np.uint8)
    image = PillowImage.fromarray(flat)
    exif = image.getexif()
    exif[0x8769] = {0xA001: 65535, 0xA005: {1: "R03"}}
    image.save(tmp_path / "a.jpg", exif=exif, quality=100)
    assert "Adobe RGB (1998)" in read_header(tmp_path / "a.jpg").profile
    expected = 255 * converted((flat[0, 0] / 255) ** ADOBE_GAMMA, "adobe")
    assert np.abs(read_photo(tmp_path / "a.jpg").astype(float) - expected).max() < 2.5
