"""Frames of one colour profile are fused and written in it; others are brought to the space that is wanted."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image as PillowImage
from PIL import ImageCms
from support.pictures import textured_radiance
from support.reference_photo import converted

from deepfuse import FuseOptions, fuse_files, read_photo, write_photo
from deepfuse.bracket import Exposure
from deepfuse.photo.profiles import description, holds
from deepfuse.photo.rendering import PROFILES
from deepfuse.photo.spaces import named_space
from deepfuse.simulation.camera import CAMERAS, expose, write_dng

AS_THEY_ARE: dict[str, Any] = {"align": False, "deghost": False}
ADOBE, PROPHOTO = named_space("adobe-rgb"), named_space("prophoto")
WIDE = {"p3": "Display P3", "adobe-rgb": "Adobe RGB (1998)", "prophoto": "ProPhoto RGB", "rec2020": "Rec. 2020"}


def greens(level: float = 1.0) -> np.ndarray:
    """256 greens from black to full, in columns."""
    ramp = np.zeros((64, 256, 3), np.uint8)
    ramp[..., 1] = np.rint(np.arange(256) * level)
    return ramp


def bracket(folder: Path, *iccs: bytes, dtype: Any = np.uint8, suffix: str = ".tif") -> list[Path]:
    paths = []
    for index, icc in enumerate(iccs):
        pixels = greens(1 - 0.1 * index)
        pixels = pixels if dtype == np.uint8 else (pixels / 255).astype(dtype)
        paths.append(folder / f"{index}{suffix}")
        if suffix == ".tif":
            tifffile.imwrite(paths[-1], pixels, photometric="rgb", iccprofile=icc or None)
        else:
            PillowImage.fromarray(pixels).save(paths[-1], icc_profile=icc or None, quality=100, subsampling=0)
    return paths


def linear_rec2020() -> bytes:
    return bytes(
        imagecodecs.cms_profile(
            "rgb", whitepoint=[0.3127, 0.329, 1], gamma=1.0,
            primaries=[0.708, 0.292, 1, 0.17, 0.797, 1, 0.131, 0.046, 1],
        )
    )  # fmt: skip


@pytest.mark.parametrize("space", WIDE)
@pytest.mark.parametrize("suffix", [".tif", ".jpg"])
def test_a_shared_profile_stays(tmp_path: Path, space: Any, suffix: str) -> None:
    icc = named_space(space).icc
    fused = fuse_files(bracket(tmp_path, icc, icc, suffix=suffix), options=FuseOptions(**AS_THEY_ARE))
    assert fused.embedded.icc == icc
    assert fused.record.profile == WIDE[space]
    assert (fused.record.depth, fused.pixels.dtype) == ("16-bit", np.uint16)
    assert len(np.unique(fused.pixels[32], axis=0)) >= 250, "in sRGB two are left"
    tags = {entry.tag: entry.data for entry in fused.embedded.photo}
    assert tags[0xA001] == b"\xff\xff", "uncalibrated"


def test_its_own_profile_whoever_made_it(tmp_path: Path) -> None:
    icc = bytearray(ADOBE.icc)
    icc[40:44] = b"XYZW"  # primary platform: another program's
    fused = fuse_files(bracket(tmp_path, bytes(icc), bytes(icc)), options=FuseOptions(**AS_THEY_ARE))
    assert fused.embedded.icc == bytes(icc)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif"])
def test_the_file_that_is_written_says_so(tmp_path: Path, suffix: str) -> None:
    fused = fuse_files(bracket(tmp_path, ADOBE.icc, ADOBE.icc), options=FuseOptions(**AS_THEY_ARE))
    out = tmp_path / f"out{suffix}"
    write_photo(out, fused.pixels, embedded=fused.embedded)
    with PillowImage.open(out) as written:
        assert written.info["icc_profile"] == ADOBE.icc
    if suffix == ".png":
        assert b"iCCPAdobe RGB (1998)\0" in out.read_bytes()
    assert np.abs(read_photo(out, profile="adobe-rgb").astype(int) - in_depth_of(out, fused.pixels)).max() <= 2
    darker = read_photo(out).reshape(-1, 3)
    assert len(np.unique(darker[:, 1])) > 150, "sRGB where it is asked for"


def in_depth_of(path: Path, pixels: np.ndarray) -> np.ndarray:
    return np.rint(pixels / 257).astype(int) if path.suffix == ".jpg" else pixels.astype(int)


@pytest.mark.parametrize("choice", PROFILES)
def test_the_space_that_is_wanted(tmp_path: Path, choice: Any) -> None:
    paths = bracket(tmp_path, b"", b"")
    fused = fuse_files(paths, options=FuseOptions(**AS_THEY_ARE, profile=choice))
    wide = choice in WIDE
    assert fused.record.profile == WIDE.get(choice, "sRGB")
    assert fused.record.as_json()["profile"] == WIDE.get(choice, "sRGB")
    assert fused.record.depth == ("16-bit" if wide else "8-bit")
    assert read_photo(paths[0], profile=choice if wide else "srgb").dtype == (np.uint16 if wide else np.uint8)
    if wide:
        green = read_photo(paths[0], profile=choice)[0, -1]
        assert green.max() < 65535 or green.min() > 0, "sRGB's green is not at its corner"


def test_frames_of_several_profiles_are_srgb(tmp_path: Path) -> None:
    fused = fuse_files(bracket(tmp_path, ADOBE.icc, b""), options=FuseOptions(**AS_THEY_ARE))
    assert (fused.record.profile, fused.record.depth) == ("sRGB", "8-bit")
    assert fused.record.warnings == ("frames of several colour profiles are brought to sRGB: Adobe RGB (1998), sRGB",)


def test_linear_values_are_brought_to_a_space_for_the_eye(tmp_path: Path) -> None:
    icc = linear_rec2020()
    fused = fuse_files(bracket(tmp_path, icc, icc, dtype=np.float32), options=FuseOptions(**AS_THEY_ARE))
    assert (fused.record.profile, fused.record.depth) == ("Rec. 2020", "float")
    assert "cannot be fused as they are" in fused.record.warnings[0]
    assert np.isfinite(fused.pixels).all()
    assert 0.65 < fused.pixels[32, 128, 1] < 0.76, "half of the light, by BT.2020's curve 0.705"


def test_a_grey_profile_gives_srgb(tmp_path: Path) -> None:
    icc = bytes(imagecodecs.cms_profile("gray", gamma=1.8))
    for index in range(2):
        pixels = (greens()[..., 1] // (index + 1)).astype(np.uint8)
        tifffile.imwrite(tmp_path / f"{index}.tif", pixels, photometric="minisblack", iccprofile=icc)
    fused = fuse_files([tmp_path / "0.tif", tmp_path / "1.tif"], options=FuseOptions(**AS_THEY_ARE))
    assert fused.record.profile == "sRGB"
    assert np.ptp(fused.pixels, axis=2).max() <= 1


def test_few_bits_for_a_wide_gamut_are_a_warning(tmp_path: Path) -> None:
    options = FuseOptions(**AS_THEY_ARE, depth="8-bit")
    fused = fuse_files(bracket(tmp_path, PROPHOTO.icc, PROPHOTO.icc), options=options)
    assert fused.pixels.dtype == np.uint8
    assert fused.record.warnings == ("8 bits are few for a gamut wider than sRGB: smooth parts may show bands",)


@pytest.mark.parametrize("space", WIDE)
def test_raw_is_developed_to_each_space(tmp_path: Path, space: Any) -> None:
    """Brought back to sRGB by LittleCMS, colours are those that LibRaw makes in sRGB."""
    radiance = textured_radiance(64, 96)
    path = tmp_path / "a.dng"
    mosaic = expose(radiance, camera=CAMERAS[3], stops=-1, rng=np.random.default_rng(1))
    write_dng(path, mosaic, camera=CAMERAS[3], exposure=Exposure(1 / 60, 100, 5.6))
    expected, wide = read_photo(path), read_photo(path, profile=space)
    back = in_srgb(named_space(space).icc, wide)
    inside = (expected.min(2) > 2000) & (expected.max(2) < 63000)
    assert inside.mean() > 0.2
    assert np.abs(back.astype(int) - expected)[inside].max() < 65535 * 0.006
    assert np.abs(wide.astype(int) - expected)[inside].max() > 1000, "it is another space"


def in_srgb(icc: bytes, pixels: np.ndarray) -> np.ndarray:
    """sRGB of 16 bits, by LittleCMS."""
    return np.asarray(
        imagecodecs.cms_transform(
            pixels, icc, bytes(imagecodecs.cms_profile("srgb")), colorspace="rgb", outcolorspace="rgb",
            intent=1, flags=0x0100,
        )
    )  # fmt: skip


@pytest.mark.parametrize("space", WIDE)
def test_profiles_of_named_spaces_are_whole(space: Any) -> None:
    profile = named_space(space)
    assert description(profile.icc) == WIDE[space]
    assert int.from_bytes(profile.icc[:4], "big") == len(profile.icc)
    assert ImageCms.ImageCmsProfile(io.BytesIO(profile.icc)).profile.xcolor_space.strip() == "RGB"
    assert not holds(named_space("srgb"), profile)
    assert holds(PROPHOTO, profile)
    named_space.cache_clear()
    assert named_space(space).icc == profile.icc, "the same bytes at any time"


def test_adobe_rgb_is_what_its_standard_says() -> None:
    value = np.array([[[200, 120, 60]]], np.float64) / 255
    stored = np.rint(value * 65535).astype(np.uint16)
    expected = 65535 * converted(value ** (563 / 256), "adobe")
    assert np.abs(in_srgb(ADOBE.icc, stored) - expected).max() < 65535 * 0.002


def test_a_profile_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValueError, match="expected a profile of keep, srgb, p3"):
        FuseOptions(profile="cmyk")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="expected a white balance"):
        FuseOptions(white_balance=99)
