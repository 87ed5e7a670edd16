"""Merged radiance beside the truth of simulated brackets; its files and Ultra HDR as other libraries read them."""

from __future__ import annotations

import io
import json
from pathlib import Path

import cv2
import imagecodecs
import numpy as np
import pytest
import rawpy
import tifffile
from PIL import Image as PillowImage

from deepfuse.cli import main
from deepfuse.color import Float, from_linear, luma, to_linear
from deepfuse.metadata.directories import entry_of_numbers, entry_of_text
from deepfuse.metadata.embedded import Embedded
from deepfuse.metadata.tiff import RATIONAL
from deepfuse.metrics.oklab import oklab
from deepfuse.photo import read_photo, write_photo
from deepfuse.radiance import RadianceError, merge_radiance, radiance_bytes
from deepfuse.simulation.camera import CAMERAS, simulate_bracket
from deepfuse.simulation.scenery import render_scene

STOPS = (-4, -2, 0, 2, 4)


@pytest.fixture(scope="module")
def truth() -> Float:
    return np.asarray(render_scene(2, width=240, height=160), np.float32)


@pytest.fixture(scope="module")
def files(truth: Float, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return simulate_bracket(truth, tmp_path_factory.mktemp("shot"), camera=CAMERAS[0], stops=STOPS, seed=1)


def errors_stops(found: Float, truth: Float) -> Float:
    """How far off each pixel's light is, in stops, but for the scale of all."""
    ratio = np.log2(np.maximum(luma(found), 1e-6) / np.maximum(luma(truth), 1e-6))
    return np.asarray(np.abs(ratio - np.median(ratio)))


def test_light_is_found_nearer_than_any_frame_has_it(files: list[Path], truth: Float, tmp_path: Path) -> None:
    out = tmp_path / "light.exr"
    assert main(["fuse", *map(str, files), "-o", str(out)]) == 0
    found = read_exr(out)
    errors = errors_stops(found, truth)
    assert np.median(errors) < 0.05
    assert np.percentile(errors, 95) < 0.3
    alone = [errors_stops(to_linear(read_photo(file).astype(np.float32) / 65535), truth) for file in files]
    assert np.percentile(errors, 95) < 0.5 * min(np.percentile(one, 95) for one in alone)


def read_exr(path: Path) -> Float:
    import OpenEXR

    with OpenEXR.File(str(path)) as file:
        return np.asarray(file.channels()["RGB"].pixels, np.float32)


def test_its_files_say_the_same_to_other_libraries(files: list[Path], tmp_path: Path) -> None:
    light = merge_radiance([read_photo(file) for file in files], [float(-stops) for stops in STOPS], base=2)
    paths = {suffix: tmp_path / f"light{suffix}" for suffix in (".exr", ".tif", ".hdr", ".dng")}
    for suffix, path in paths.items():
        path.write_bytes(radiance_bytes(suffix, light))
    assert np.array_equal(read_exr(paths[".exr"]), light.pixels)
    assert np.array_equal(tifffile.imread(paths[".tif"]), light.pixels)
    rgbe = cv2.imread(str(paths[".hdr"]), cv2.IMREAD_UNCHANGED)
    assert rgbe is not None
    assert np.median(np.abs(luma(rgbe[..., ::-1]) / np.maximum(luma(light.pixels), 1e-6) - 1)) < 0.01
    with rawpy.imread(str(paths[".dng"])) as raw:
        linear = raw.postprocess(gamma=(1, 1), no_auto_bright=True, output_bps=16, use_camera_wb=True,
                                 adjust_maximum_thr=0.0, user_flip=0)  # fmt: skip
    expected = light.pixels / light.pixels.max() * 65535
    assert np.abs(linear - expected).max() < 40


def test_its_files_tell_of_camera_and_day(files: list[Path], tmp_path: Path) -> None:
    import OpenEXR

    frames = [tmp_path / f"{index}.tif" for index in range(2)]
    entries = (entry_of_text(0x010F, "Canon"), entry_of_text(0x0110, "Canon EOS 5D Mark II"))
    photo = (entry_of_text(0x9003, "2024:05:06 07:08:09"), entry_of_text(0x9011, "+02:00"),
             entry_of_numbers(0x829D, RATIONAL, [8.0]))  # fmt: skip
    gps = (entry_of_text(1, "S"), entry_of_numbers(2, RATIONAL, [33.0, 51.0, 36.0]))
    for frame, file in zip(frames, files[1:3], strict=True):
        write_photo(frame, read_photo(file), embedded=Embedded(entries, photo, gps))
    command = ["fuse", *map(str, frames), "--no-align", "--no-deghost"]
    paths = {suffix: tmp_path / f"light{suffix}" for suffix in (".exr", ".tif", ".dng")}
    for suffix in (".exr", ".dng"):
        assert main([*command, "-o", str(paths[suffix])]) == 0
    assert main([*command, "-o", str(tmp_path / "picture.png"), "--radiance", str(paths[".tif"])]) == 0
    with OpenEXR.File(str(paths[".exr"])) as file:
        header = dict(file.header())
    assert (header["cameraModel"], header["capDate"]) == ("Canon EOS 5D Mark II", "2024:05:06 07:08:09")
    assert (header["aperture"], header["utcOffset"], header["latitude"]) == pytest.approx((8, -7200, -33.86))
    for suffix in (".tif", ".dng"):
        with tifffile.TiffFile(paths[suffix]) as tiff:
            tags = tiff.pages[0].tags
            assert (tags["Model"].value, tags["Orientation"].value) == ("Canon EOS 5D Mark II", 1)
            assert tags["ExifTag"].value["DateTimeOriginal"] == "2024:05:06 07:08:09"
            assert tags["ExifTag"].value["ColorSpace"] == 65535
            assert "InterColorProfile" not in tags
    with rawpy.imread(str(paths[".dng"])) as raw:
        assert raw.raw_image.shape[:2] == (160, 240)


def test_exposures_are_measured_not_believed(files: list[Path]) -> None:
    frames = [read_photo(file) for file in files]
    wrong = [-stops + 0.4 * (index % 2) for index, stops in enumerate(STOPS)]
    measured = np.log2(merge_radiance(frames, wrong, base=2).exposures)
    assert np.abs(measured - STOPS).max() < 0.1


def test_frames_that_share_no_tones_want_their_exposures() -> None:
    light = np.linspace(0.2, 0.9, 4096, dtype=np.float32).reshape(64, 64, 1).repeat(3, axis=2)
    apart = [from_linear(light * 2**-12), from_linear(np.clip(light * 8, 0, 1))]
    with pytest.raises(RadianceError, match="frame 1 and frame 2: expected frames that share some tones"):
        merge_radiance(apart, [None, 0.0], base=1)
    with pytest.raises(RadianceError, match="night and day: expected"):
        merge_radiance(apart[::-1], [None, 0.0], base=1, names=["day", "night"])
    assert merge_radiance(apart, [15.0, 0.0], base=1).exposures == pytest.approx((2**-15, 1))


@pytest.fixture(scope="module")
def ultra(files: list[Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, dict[str, float]]:
    """The picture as it is, and with room for its highlights, and the record of that."""
    folder = tmp_path_factory.mktemp("ultra")
    plain, path = folder / "plain.jpg", folder / "ultra.jpg"
    arguments = ["fuse", *map(str, files), "--no-align", "--no-deghost", "--profile", "srgb", "-o"]
    assert main([*arguments, str(plain)]) == 0
    with pytest.MonkeyPatch.context() as patch:
        said = io.StringIO()
        patch.setattr("sys.stdout", said)
        assert main([*arguments, str(path), "--hdr", "--json"]) == 0
    return plain, path, json.loads(said.getvalue())


def test_an_ultra_hdr_jpeg_is_the_same_picture_to_who_does_not_know(ultra: tuple[Path, Path, dict[str, float]]) -> None:
    plain, path, _ = ultra
    assert np.array_equal(read_photo(plain), read_photo(path))
    with PillowImage.open(plain) as one, PillowImage.open(path) as other:
        assert dict(one.getexif()) == dict(other.getexif())


def test_libultrahdr_shows_the_highlights(ultra: tuple[Path, Path, dict[str, float]], truth: Float) -> None:
    _, path, record = ultra
    stops = record["highlight_stops"]
    assert 0.5 < stops <= 3
    shown = np.asarray(imagecodecs.ultrahdr_decode(path.read_bytes()), np.float32)[..., :3]
    base = to_linear(np.asarray(read_photo(path), np.float32) / 255)
    assert shown.max() == pytest.approx(2**stops, rel=0.05)
    brighter = np.log2((luma(shown) + 1 / 64) / (luma(base) + 1 / 64))
    dark = luma(base) < np.percentile(luma(base), 50)
    assert np.abs(brighter[dark]).mean() < 0.02
    brightest = luma(truth) > np.percentile(luma(truth), 99)
    assert brighter[brightest].mean() > 0.5 * stops


def test_the_gain_map_lies_where_the_blocks_say(ultra: tuple[Path, Path, dict[str, float]]) -> None:
    data = ultra[1].read_bytes()
    block = data.index(b"MPF\0") + 4
    first, start = (int.from_bytes(data[block + 50 + at : block + 54 + at], "big") for at in (4, 24))
    assert data[first : first + 3] == b"\xff\xd8\xff"
    assert block + start == first
    assert f'Item:Length="{len(data) - first}"'.encode() in data


def test_an_avif_of_ten_bits_has_white_at_203_nits(files: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "picture.avif"
    assert main(["fuse", *map(str, files), "--no-align", "--no-deghost", "--hdr", "-o", str(out)]) == 0
    decoded = np.asarray(imagecodecs.avif_decode(out.read_bytes()), np.float32) / 1023
    assert decoded.shape == (160, 240, 3)
    assert decoded.max() > 0.60  # 203 nits are 0.58 of PQ


def test_an_avif_of_frames_of_eight_bits_has_more_levels_than_they(
    files: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frames = [tmp_path / f"{file.stem}.png" for file in files]
    for file, frame in zip(files, frames, strict=True):
        write_photo(frame, np.asarray(read_photo(file) >> 8, np.uint8))
    out = tmp_path / "picture.avif"
    command = ["fuse", *map(str, frames), "--no-align", "--no-deghost", "--hdr", "--jpeg-quality", "100", "--json"]
    assert main([*command, "-o", str(out)]) == 0
    assert json.loads(capsys.readouterr().out)["depth"] == "10-bit"
    assert len(np.unique(imagecodecs.avif_decode(out.read_bytes())[..., 1])) > 300


@pytest.mark.parametrize("arguments", [
    ["-o", "x.png", "--hdr"],
    ["-o", "x.exr", "--hdr"],
    ["-o", "x.jpg", "--hdr", "--profile", "p3"],
    ["-o", "x.tif", "--radiance", "x.png"],
    ["-o", "x.tif", "--radiance", "x.tif"],
])  # fmt: skip
def test_what_excludes_each_other_is_refused_before_any_work(
    files: list[Path], tmp_path: Path, arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["fuse", *map(str, files), *arguments]) == 4
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("arguments", "advice"), [
    (["-o", "x.avif"], ["--hdr"]),
    (["-o", "x.bmp"], [".avif is written with --hdr", ".exr", ".hdr", ".dng", "deepfuse[hdr]"]),
    (["-o", "x.tif", "--hdr"], ["without --hdr"]),
])  # fmt: skip
def test_a_suffix_that_is_not_written_says_what_to_do(
    files: list[Path],
    tmp_path: Path,
    arguments: list[str],
    advice: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["fuse", *map(str, files), *arguments]) == 4
    said = capsys.readouterr().err
    assert all(text in said for text in advice)
    assert not list(tmp_path.iterdir())


def test_colours_are_those_of_the_scene(files: list[Path], truth: Float) -> None:
    light = merge_radiance([read_photo(file) for file in files], [float(-stops) for stops in STOPS], base=2)
    scale = np.median(luma(truth)) / np.median(luma(light.pixels))
    shown, wanted = (oklab(from_linear(np.clip(one, 0, 1))) for one in (light.pixels * scale, truth))
    assert np.median(np.abs(shown - wanted)) < 0.01
