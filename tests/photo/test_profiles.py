"""Colour profiles: converted at the depth of the file, or named where they cannot be."""

from __future__ import annotations

from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image as PillowImage
from support.bad_files import patched
from support.profiles import adobe_named, of_a_scanner
from support.reference_photo import ADOBE_GAMMA, D65, PRIMARIES, converted, encode

from deepfuse.photo import Rendering, read_bracket, read_header, read_photo

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


@pytest.mark.parametrize("name", ["Écran".encode("latin-1"), "Écran".encode(), "画面".encode("shift-jis"), b"\xff\xfe"])
def test_a_profile_is_used_whatever_its_name(tmp_path: Path, name: bytes) -> None:
    flat = np.full((8, 8, 3), (200, 120, 60), np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", flat, photometric="rgb", iccprofile=adobe_named(name))
    (picture,) = read_bracket([tmp_path / "a.tif"])
    assert picture.pixels[0, 0] == pytest.approx(255 * converted((flat[0, 0] / 255) ** ADOBE_GAMMA, "adobe"), abs=1.5)
    assert not picture.warnings


def test_a_damaged_profile_never_refuses_a_photo(tmp_path: Path) -> None:
    """It is used, or passed over with a warning."""
    originals = [adobe_named(b"A name"), of_a_scanner(), bytes(imagecodecs.cms_profile("gray", gamma=1.8))]
    random = np.random.default_rng(15)
    flat, passed_over = np.full((4, 4, 3), 120, np.uint8), 0
    for index in range(45):
        icc = bytearray(originals[index % 3])
        for at in random.integers(0, min(len(icc), 600), random.integers(1, 9)):
            icc[at] ^= random.integers(1, 256)
        tifffile.imwrite(tmp_path / "a.tif", flat[..., 0] if index % 3 == 2 else flat, iccprofile=bytes(icc))
        for choice in ("srgb", "keep"):
            (picture,) = read_bracket([tmp_path / "a.tif"], rendering=Rendering(profile=choice))  # type: ignore[arg-type]
            assert picture.rendered.wide in (True, False)
        if picture.warnings:
            assert picture.warnings[0].startswith("a.tif: its colour profile cannot be used")
            assert (picture.pixels == 120).all()
            passed_over += 1
    assert 8 < passed_over < 38


def test_a_colour_model_that_is_no_text_is_passed_over(tmp_path: Path) -> None:
    icc = adobe_named(b"A name")
    tifffile.imwrite(
        tmp_path / "a.tif", colours(np.uint8), photometric="rgb", iccprofile=patched(icc, 16, b"\xff\xfeGB")
    )
    assert read_header(tmp_path / "a.tif").profile == "unreadable profile, taken as sRGB"


def test_frames_of_a_scanner_are_brought_to_a_space_that_can_be_written(tmp_path: Path) -> None:
    """No way leads back into a scanner's space."""
    tifffile.imwrite(tmp_path / "a.tif", colours(np.uint8), photometric="rgb", iccprofile=of_a_scanner())
    (picture,) = read_bracket([tmp_path / "a.tif"], rendering=Rendering(profile="keep"))
    assert picture.rendered.profile.name == "ProPhoto RGB"
    assert picture.rendered.wide


def test_a_jpeg_that_is_adobe_rgb_by_exif_alone(tmp_path: Path) -> None:
    flat = np.full((16, 16, 3), (200, 120, 60), np.uint8)
    image = PillowImage.fromarray(flat)
    exif = image.getexif()
    exif[0x8769] = {0xA001: 65535, 0xA005: {1: "R03"}}
    image.save(tmp_path / "a.jpg", exif=exif, quality=100)
    assert "Adobe RGB (1998)" in read_header(tmp_path / "a.jpg").profile
    expected = 255 * converted((flat[0, 0] / 255) ** ADOBE_GAMMA, "adobe")
    assert np.abs(read_photo(tmp_path / "a.jpg").astype(float) - expected).max() < 2.5
