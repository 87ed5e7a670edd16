"""RAW files of other kinds than a plain mosaic: without colours, with a border, several pictures in one file."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from support.bad_files import tiff_with
from support.dngs import CAMERA, cropped, dng, monochrome, write
from support.pictures import textured_radiance
from support.reference_photo import decode, turned

from deepfuse.cli import main
from deepfuse.photo import Rendering, read_bracket, read_header, read_photo
from deepfuse.photo.directories import sensor_pictures
from deepfuse.photo.preview import read_preview

CROP = (6, 10, 40, 64)


def mosaic(stops: float = 0) -> NDArray[np.uint16]:
    """Greys through no filter: (64, 96)."""
    light = np.minimum(textured_radiance(64, 96)[..., 1] * 2.0**stops, 1)
    levels: NDArray[np.uint16] = (CAMERA.black_level + light * (CAMERA.white_level - CAMERA.black_level)).astype(
        np.uint16
    )
    return levels


def monochrome_bracket(folder: Path, *, colours: bool) -> list[Path]:
    return [
        write(folder / f"{stops}.dng", dng(mosaic(stops), monochrome(colours=colours), stops=stops))
        for stops in (-2, 0, 2)
    ]


@pytest.mark.parametrize("colours", [False, True])
@pytest.mark.parametrize("choice", ["as-shot", "daylight", "auto", 3200])
def test_a_sensor_without_colours_has_no_white_balance(tmp_path: Path, colours: bool, choice: str | int) -> None:
    """Its greys are light, whatever matrix and neutral the file tells beside."""
    paths = monochrome_bracket(tmp_path, colours=colours)
    wanted = Rendering(white_balance=choice)  # type: ignore[arg-type]
    for stops, picture in zip((-2, 0, 2), read_bracket(paths, rendering=wanted), strict=True):
        light = decode(picture.pixels.astype(float) / 65535)
        told = (mosaic(stops).astype(float) - CAMERA.black_level) / (CAMERA.white_level - CAMERA.black_level)
        assert np.abs(light - told[..., None]).max() < 0.002


def test_a_sensor_without_colours_has_a_preview(tmp_path: Path) -> None:
    for path in monochrome_bracket(tmp_path, colours=False):
        preview = read_preview(path, 48)
        assert preview.shape == (32, 48, 3)
        assert np.ptp(preview, axis=2).max() < 0.01


@pytest.mark.parametrize("active", [(), (2, 4, 62, 92)])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_default_crop_is_the_picture(tmp_path: Path, active: tuple[int, ...], orientation: int) -> None:
    path = write(tmp_path / "a.dng", dng(mosaic(), cropped(*CROP, active=active)))
    uncropped = read_photo(write(tmp_path / "b.dng", dng(mosaic(), {50829: cropped(*CROP, active=active).get(50829)})))
    top, left, height, width = CROP
    expected = turned(uncropped[top : top + height, left : left + width], orientation)
    path.write_bytes(tiff_with({274: orientation}, path.read_bytes()))
    got = read_photo(path)
    assert got.shape == expected.shape
    assert (got == expected).mean() > 0.999
    assert read_header(path).size == f"{got.shape[1]}×{got.shape[0]}"


def test_an_impossible_crop_is_passed_over(tmp_path: Path) -> None:
    got = read_photo(write(tmp_path / "a.dng", dng(mosaic(), cropped(40, 10, 40, 64))))
    assert got.shape == (64, 96, 3)


def test_several_pictures_in_one_file_are_told(tmp_path: Path) -> None:
    path = write(tmp_path / "a.dng", dng(mosaic(), others=[mosaic(-1), mosaic(-2)]))
    pictures = list(read_bracket([path, write(tmp_path / "b.dng", dng(mosaic(-2)))]))
    assert pictures[0].warnings == ("a.dng: it holds 3 frames in one file: the first is used",)
    assert not pictures[1].warnings
    assert (read_photo(path) == read_photo(write(tmp_path / "c.dng", dng(mosaic())))).all()


def test_several_pictures_alone_in_one_file_are_refused_by_what_they_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "a.dng", dng(mosaic(), others=[mosaic(-1), mosaic(-2)]))
    assert main(["fuse", str(path), "-o", str(tmp_path / "fused.png")]) != 0
    assert "a.dng): the 3 frames in this one file are not taken apart" in capsys.readouterr().err


@pytest.mark.parametrize(("second", "frames"), [(0, 1), (5000, 2)])
def test_a_raf_tells_of_its_second_mosaic(second: int, frames: int) -> None:
    """As of sensors with pixels of two sizes."""
    header = b"FUJIFILMCCD-RAW ".ljust(120, b"\0") + struct.pack(">I", second)
    assert sensor_pictures(io.BytesIO(header)).frames == frames


def test_directories_in_a_circle_end() -> None:
    data = bytearray(dng(mosaic(), others=[mosaic()]))
    start = struct.unpack_from("<I", data, 4)[0]
    (count,) = struct.unpack_from("<H", data, start)
    struct.pack_into("<I", data, start + 2 + 12 * count, start)
    assert sensor_pictures(io.BytesIO(data)).frames == 2
