"""What is refused of a bracket before anything is decoded."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage
from support.pictures import textured_radiance

from deepfuse import FuseOptions, fuse_files
from deepfuse.cli import main
from deepfuse.errors import BracketError, PhotoError
from deepfuse.job.checks import check_distinct, check_picture_fits
from deepfuse.photo import read_header, write_photo
from deepfuse.photo.output import JPEG_SIDE_PX
from deepfuse.simulation.camera import CAMERAS, simulate_bracket


@pytest.fixture
def pair(tmp_path: Path) -> list[Path]:
    """Two PNGs."""
    paths = [tmp_path / f"{level}.png" for level in (60, 180)]
    for path in paths:
        write_photo(path, np.full((64, 64, 3), int(path.stem), np.uint8))
    return paths


@pytest.mark.parametrize("make", [shutil.copyfile, os.link, os.symlink])
def test_a_photo_counts_once(pair: list[Path], make: object) -> None:
    check_distinct(pair)
    again = pair[0].with_name("again.png")
    make(pair[0], again)  # type: ignore[operator]
    with pytest.raises(BracketError, match=r"60\.png: expected other exposures beside it, got .*again\.png"):
        fuse_files([*pair, again], options=FuseOptions(align=False))


def test_a_file_given_twice_is_refused(pair: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    out = str(pair[0].with_name("out.png"))
    for command in ("fuse", "align"):
        assert main([command, *map(str, pair), str(pair[0]), "-o", out]) == 4
        assert "the same file" in capsys.readouterr().err


def test_a_pipe_is_not_waited_for(pair: list[Path]) -> None:
    pipe = pair[0].with_name("pipe.png")
    os.mkfifo(pipe)
    with pytest.raises(PhotoError, match="named pipe"):
        check_distinct([*pair, pipe])


def test_a_picture_wider_than_its_format_is_refused_before_decoding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [tmp_path / f"{level}.png" for level in (60, 180)]
    for path in paths:
        write_photo(path, np.full((2, JPEG_SIDE_PX + 1, 3), int(path.stem), np.uint8))
    check_picture_fits(read_header(paths[0]), tmp_path / "out.tif", FuseOptions())
    monkeypatch.setattr("deepfuse.photo.opening.shown", None)
    assert main(["fuse", *map(str, paths), "-o", str(tmp_path / "out.jpg")]) == 4
    assert "65500" in capsys.readouterr().err


def test_a_reference_is_found_by_its_name_whatever_its_letters(pair: list[Path]) -> None:
    odd = pair[0].rename(pair[0].with_name("a\x1b\udcff.png"))
    for name in (odd.name, "a␛�.png", str(odd), "1"):
        made = fuse_files([odd, pair[1]], options=FuseOptions(align=False, reference=name))
        assert made.record.deghosting is not None
        assert made.record.deghosting.reference == 0
        assert made.record.frames[0] == "a␛�.png"


def test_a_frame_that_hides_itself_is_told(pair: list[Path]) -> None:
    hidden = np.dstack([np.full((64, 64, 3), 100, np.uint8), np.zeros((64, 64, 1), np.uint8)])
    PillowImage.fromarray(hidden).save(pair[0])
    [warning] = fuse_files(pair, options=FuseOptions(align=False)).record.warnings
    assert warning.startswith("60.png: its alpha hides the whole frame")


@pytest.mark.parametrize("told", [True, False])
def test_a_photo_given_in_two_formats_is_refused_by_both_names(
    pair: list[Path], told: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    exif = PillowImage.Exif()
    if told:
        exif.get_ifd(0x8769)[0x829A] = 0.25  # ExposureTime
    with PillowImage.open(pair[0]) as image:
        image.save(pair[0], exif=exif)
        image.save(pair[0].with_suffix(".jpg"), exif=exif)
    frames = [*map(str, pair), str(pair[0].with_suffix(".jpg"))]
    for command in ("fuse", "align"):
        assert main([command, *frames, "-o", str(pair[0].with_name("out.tif"))]) == 4
        said = capsys.readouterr().err
        assert "60.png: expected other exposures beside it, got the same photo in another format" in said
        assert "60.jpg): take one of them" in said


def test_a_raw_and_its_jpeg_are_one_photo(tmp_path: Path) -> None:
    raws = simulate_bracket(textured_radiance(64, 96), tmp_path, camera=CAMERAS[0], stops=(-2, 2), seed=1)
    write_photo(raws[0].with_suffix(".jpg"), np.full((64, 96, 3), 200, np.uint8))
    check_distinct(raws)
    with pytest.raises(BracketError, match=rf"{re.escape(raws[0].name)}: expected other .*\.jpg\)"):
        check_distinct([*raws, raws[0].with_suffix(".jpg")])


def test_frames_of_one_name_that_differ_are_two(pair: list[Path]) -> None:
    write_photo(pair[0].with_suffix(".jpg"), np.full((64, 64, 3), 200, np.uint8))
    check_distinct([*pair, pair[0].with_suffix(".jpg")])
