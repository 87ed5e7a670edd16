"""Formats and colour profiles beside those of test_photo.py: HEIC, Ultra HDR, ICC, odd PNGs and TIFFs, RAW."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import imagecodecs
import numpy as np
import pillow_heif
import pytest
import tifffile
from conftest import textured_radiance
from numpy.typing import NDArray
from PIL import Image as PillowImage
from PIL.TiffImagePlugin import IFDRational

from deepfuse.bracket import Exposure
from deepfuse.camera import CAMERAS, dng, expose, write_dng
from deepfuse.errors import BracketError, PhotoError
from deepfuse.photo import Header, Limits, read_header, read_photo, read_photos, write_photo
from deepfuse.photo.header import check_alike

rng = np.random.default_rng(6)
Pixels = NDArray[np.float64]

PRIMARIES = {"adobe": ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06)), "srgb": ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))}
PRIMARIES["p3"] = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
D65 = (0.3127, 0.3290)
ADOBE_GAMMA = 2.19921875


def to_xyz(primaries: tuple[tuple[float, float], ...]) -> Pixels:
    """Linear RGB to XYZ: columns of primaries, scaled so that they add up to white (SMPTE RP 177)."""
    columns = np.array([[x / y, 1, (1 - x - y) / y] for x, y in primaries]).T
    white = np.array([D65[0] / D65[1], 1, (1 - sum(D65)) / D65[1]])
    return columns * np.linalg.solve(columns, white)


def encode(linear: Pixels) -> Pixels:
    """Linear light to sRGB, IEC 61966-2-1."""
    light = np.clip(linear, 0, 1)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def decode(encoded: Pixels) -> Pixels:
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def converted(linear: Pixels, space: str) -> Pixels:
    return encode(linear @ (np.linalg.inv(to_xyz(PRIMARIES["srgb"])) @ to_xyz(PRIMARIES[space])).T)


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


def turned(stored: NDArray[np.generic], orientation: int) -> NDArray[np.generic]:
    """EXIF 2.32, tag 0x0112: where row 0 and column 0 of the stored picture belong."""
    quarter_turns = {1: 0, 2: 0, 3: 2, 4: 2, 5: 1, 6: 3, 7: 3, 8: 1}[orientation]
    return np.rot90(stored[:, ::-1] if orientation in (2, 4, 5, 7) else stored, quarter_turns)


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


def raw_file(path: Path, stops: float, camera: int = 3) -> Path:
    radiance = textured_radiance(64, 96)
    mosaic = expose(radiance, camera=CAMERAS[camera], stops=stops, rng=np.random.default_rng(1))
    write_dng(path, mosaic, camera=CAMERAS[camera], exposure=Exposure(2.0**stops / 60, 100, 5.6))
    return path


@pytest.mark.parametrize("orientation", range(1, 9))
def test_raw_is_turned_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, orientation: int) -> None:
    expected = turned(read_photo(raw_file(tmp_path / "a.dng", 0)), orientation)
    tags_of = dng._main_tags
    monkeypatch.setattr(dng, "_main_tags", lambda mosaic, camera: tags_of(mosaic, camera) | {274: ("H", orientation)})
    path = raw_file(tmp_path / "b.dng", 0)
    got = read_photo(path)
    assert got.shape == expected.shape
    assert (got == expected).mean() > 0.999
    header = read_header(path)
    assert (header.orientation, header.size) == (orientation, f"{got.shape[1]}×{got.shape[0]}")


@pytest.mark.parametrize("camera", range(4))
def test_a_developed_bracket_is_proportional_to_the_truth(tmp_path: Path, camera: int) -> None:
    """Every frame is the scene's linear light times its exposure, one factor for all, within 0.1 EV."""
    steps = 0.18 * 2.0 ** np.linspace(-3, 2, 16, dtype=np.float32)
    radiance = np.tile(np.repeat(steps, 8)[:, None], (96, 1, 3))
    stops = (-3, 0, 2)
    paths = []
    for stop in stops:
        mosaic = expose(radiance, camera=CAMERAS[camera], stops=stop, rng=np.random.default_rng(stop + 9))
        paths.append(tmp_path / f"{stop}.dng")
        write_dng(paths[-1], mosaic, camera=CAMERAS[camera], exposure=Exposure(2.0**stop / 60, 100, 5.6))
    for stop, picture in zip(stops, read_photos(paths), strict=True):
        light = decode(picture.reshape(96, 16, 8, 3)[:, :, 2:6].astype(float) / 65535).mean(axis=(0, 2))
        truth = steps * 2.0**stop
        usable = (truth < 0.9) & (truth > 0.02)
        assert usable.sum() >= 6
        assert np.abs(np.log2(light / truth[:, None]))[usable].max() < 0.1


def header(**changes: object) -> Header:
    plain = Header(60, 40, "Test One", Exposure(1 / 60), "JPEG", "8-bit")
    return replace(plain, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"width": 61}, "one size, 60×40 like a.jpg, got 61×40 (c.jpg)"),
        ({"width": 40, "height": 60, "orientation": 6}, "one size, 60×40 like a.jpg, got 40×60 (c.jpg)"),
        ({"orientation": 3}, "one orientation, 1 like a.jpg, got 3 (c.jpg)"),
        ({"camera": "Test Two"}, "one camera, Test One like a.jpg, got Test Two (c.jpg)"),
        ({"depth": "16-bit"}, "one kind, 8-bit pictures like a.jpg, got 16-bit pictures (c.jpg)"),
        ({"kind": "RAW", "depth": "16-bit"}, "one kind, 8-bit pictures like a.jpg, got RAW (c.jpg)"),
    ],
)
def test_what_is_no_bracket_is_named(changes: dict[str, object], message: str) -> None:
    paths = [Path(f"{name}.jpg") for name in "abc"]
    with pytest.raises(BracketError) as caught:
        check_alike(paths, [header(), header(), header(**changes)])
    assert str(caught.value) == f"expected frames of {message}"


def test_frames_that_may_stand_together() -> None:
    paths = [Path(f"{name}.jpg") for name in "abc"]
    turned_by_a_viewer = header(width=40, height=60, orientation=1)
    as_shot = header(width=40, height=60, orientation=6)
    check_alike(paths, [as_shot, as_shot, turned_by_a_viewer])
    check_alike(paths, [header(), header(camera=""), header(kind="PNG", profile="Display P3")])


def test_limits_are_of_the_frame_the_file_and_the_bracket(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    write_photo(path, rng.integers(0, 256, (40, 50, 3), np.uint8))
    with pytest.raises(PhotoError, match=r"a\.png: expected at most 0\.0019 megapixels, got 50×40"):
        read_photo(path, limits=Limits(megapixels=0.0019))
    with pytest.raises(PhotoError, match=r"a\.png: expected at most 1e-06 GB"):
        read_photo(path, limits=Limits(file_gb=1e-6))
    with pytest.raises(BracketError, match="at most 2 exposures, got 3"):
        read_photos([path] * 3, limits=Limits(frames=2))


def test_exif_of_heic_is_read(tmp_path: Path) -> None:
    exif = PillowImage.Exif()
    exif[0x0110] = "Phone"
    exif[0x8769] = {0x829A: IFDRational(1, 125)}
    save_heic(tmp_path / "a.heic", np.zeros((64, 64, 3), np.uint8), 8, exif=exif.tobytes())
    found = read_header(tmp_path / "a.heic")
    assert found.camera == "Phone"
    assert found.exposure.time_s == pytest.approx(1 / 125)
