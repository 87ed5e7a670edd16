"""Frames of one stored size whose orientation flags differ, as where a camera points down."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.photographs import Card, write_tags
from support.pictures import textured_radiance
from support.reference_photo import turned

from deepfuse import FuseOptions, fuse_files
from deepfuse.bracket import Exposure
from deepfuse.cli import main
from deepfuse.errors import BracketError
from deepfuse.grouping import find_brackets
from deepfuse.photo import DEFAULT_LIMITS, Header, read_frames, read_photo, write_photo
from deepfuse.photo.header import check_alike
from deepfuse.photo.orientation import OrientationChoice, oriented
from deepfuse.simulation.camera import CAMERAS, simulate_bracket
from deepfuse.stages.ingest import develop


def headers(*flags: int) -> list[Header]:
    """Of frames stored in 60×40."""
    plain = Header(60, 40, "C", Exposure(), "JPEG", "8-bit")
    upright = replace(plain, width=40, height=60)
    return [replace(upright if flag > 4 else plain, orientation=flag) for flag in flags]


@pytest.mark.parametrize(
    ("flags", "choice", "reference", "counts"),
    [
        ((1, 1, 6), "auto", None, 1),
        ((6, 1, 6), "auto", None, 6),
        ((8, 6), "auto", None, 6),  # whichever comes first
        ((6, 8), "auto", None, 6),
        ((1, 1, 6), "auto", 2, 6),
        ((3, 3, 3), "auto", 0, 3),
        ((1, 1, 6), 8, 0, 8),
    ],
)
def test_one_flag_counts_for_all(
    flags: tuple[int, ...], choice: OrientationChoice, reference: int | None, counts: int
) -> None:
    found = oriented(headers(*flags), choice, reference)
    size = (40, 60) if counts > 4 else (60, 40)
    assert [(one.orientation, one.width, one.height) for one in found] == [(counts, *size)] * len(flags)
    check_alike([Path(f"{index}.jpg") for index in range(len(flags))], found)


def test_each_files_own_counts_if_told_so() -> None:
    assert oriented(headers(1, 1, 6), "as-is") == headers(1, 1, 6)


def test_a_frame_that_a_viewer_turned_keeps_its_own() -> None:
    as_shot, by_viewer = headers(6, 6), replace(headers(1)[0], width=40, height=60)
    assert oriented([*as_shot, by_viewer]) == [*as_shot, by_viewer]


@pytest.mark.parametrize("flag", range(1, 9))
def test_every_format_is_turned_as_told(tmp_path: Path, flag: OrientationChoice) -> None:
    stored = np.random.default_rng(1).integers(0, 256, (40, 60, 3), np.uint8)
    paths = [tmp_path / name for name in ("a.png", "b.tif")]
    for path in paths:
        write_photo(path, stored)
    (raw,) = simulate_bracket(textured_radiance(64, 96), tmp_path, camera=CAMERAS[0], stops=(0, 1), seed=1)[:1]
    for path in [*paths, raw]:
        (frame,) = read_frames([path], orientation=flag)
        assert (frame.pixels == turned(read_photo(path), int(flag))).all()
        assert (frame.header.height, frame.header.width) == frame.pixels.shape[:2]


@pytest.fixture
def pointing_down(tmp_path: Path) -> Card:
    """A bracket whose second frame alone says that it was held upright."""
    card = Card(tmp_path / "in" / "floor")
    for stops, flag in ((0, 1), (-2, 6), (2, 1)):
        write_tags(card.folder / card.shoot(stops, mode=2), {"Exif.Image.Orientation": str(flag)})
        card.clock_s += 0.5
    return card


def test_a_batch_fuses_all_frames_and_says_which_was_turned(pointing_down: Card, tmp_path: Path) -> None:
    assert main(["batch", str(tmp_path / "in"), "-o", str(tmp_path / "out"), "--format", "png"]) == 0
    record = json.loads((tmp_path / "out/.deepfuse/floor.json").read_text())
    assert len(record["inputs"]) == 3
    assert (record["width"], record["height"], record["orientation"]) == (96, 64, 1)
    assert "IMG_0002.jpg: its orientation flag is 6, but 1 counts in the bracket" in record["warnings"]
    assert "got 1 (IMG_0001.jpg), 6 (IMG_0002.jpg), 1 (IMG_0003.jpg)" in record["grouping"]["warnings"][0]


def test_fuse_takes_the_references_flag_or_the_one_that_is_told(pointing_down: Card) -> None:
    files = sorted(pointing_down.folder.iterdir())
    wide = fuse_files(files, options=FuseOptions(align=False))
    tall = fuse_files(files, options=FuseOptions(align=False, reference="2"))
    told = fuse_files(files, options=FuseOptions(align=False, orientation=6))
    assert (wide.pixels.shape, tall.pixels.shape, told.pixels.shape) == ((64, 96, 3), (96, 64, 3), (96, 64, 3))
    assert (wide.record.orientation, tall.record.orientation, told.record.orientation) == (1, 6, 6)
    assert len(tall.record.warnings) == 2
    assert not told.record.warnings, "who says it needs not be told"
    with pytest.raises(BracketError, match=r"expected frames of one size, 96×64 like IMG_0001\.jpg, got 64×96"):
        fuse_files(files, options=FuseOptions(orientation="as-is"))
    with pytest.raises(ValueError, match="expected an orientation of auto, as-is or 1 to 8, got 9"):
        FuseOptions(orientation=9)  # type: ignore[arg-type]


def test_align_and_the_stage_take_all_frames(
    pointing_down: Card, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = sorted(pointing_down.folder.iterdir())
    assert main(["align", *map(str, files), "-o", str(tmp_path / "aligned")]) == 0
    said = capsys.readouterr()
    assert "96×64 pixels are common" in said.out
    assert "IMG_0002.jpg: its orientation flag is 6" in said.err
    assert main(["align", *map(str, files), "-o", str(tmp_path / "other"), "--orientation", "as-is"]) == 4
    folder = tmp_path / "frames"
    folder.mkdir()
    scene = develop("floor", files, {file.name: "" for file in files}, DEFAULT_LIMITS, folder)
    assert [(frame.width, frame.height) for frame in scene.frames] == [(96, 64)] * 3


def test_a_camera_that_was_turned_between_two_sets_leaves_two(tmp_path: Path) -> None:
    card = Card(tmp_path / "card")
    for flag in (1, 6):
        for stops in (-2, 0, 2):  # one ladder, were they of one scene
            path = card.folder / card.shoot(stops + (0 if flag == 1 else 6), scene=flag, mode=2)
            write_tags(path, {"Exif.Image.Orientation": str(flag)})
            card.clock_s += 0.5
    assert [len(group.bracket.files) for group in find_brackets(tmp_path).groups] == [3, 3]
