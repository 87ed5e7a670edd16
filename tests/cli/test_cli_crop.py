"""`--crop`, and frames with an alpha: the picture has no black margins, and is transparent where no frame shows it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from support.batches import record
from support.motions import HEIGHT, IDENTITY, WIDTH, bracket, shift

from deepfuse import FuseOptions, fuse_files
from deepfuse.cli import main
from deepfuse.photo import read_frames, read_photo, write_photo

EVS = (-1.5, 0.0, 1.5)


def written(folder: Path, frames: list[np.ndarray], shown: list[np.ndarray | None]) -> list[str]:
    folder.mkdir(parents=True)
    files = [folder / f"{index}.png" for index in range(len(frames))]
    for path, frame, mask in zip(files, frames, shown, strict=True):
        write_photo(path, frame, shown=mask)
    return [str(path) for path in files]


@pytest.fixture
def handheld(tmp_path: Path) -> list[str]:
    frames = bracket(EVS, (shift(9.0, -5.0), IDENTITY, shift(-6.0, 8.0)))
    return written(tmp_path / "in" / "barn", frames, [None] * 3)


@pytest.fixture
def remapped(tmp_path: Path) -> list[str]:
    """What align_image_stack leaves: frames that lie on each other, their margins black and transparent."""
    frames = bracket(EVS, (IDENTITY,) * 3)
    shown = [np.ones((HEIGHT, WIDTH), np.uint8) for _ in frames]
    shown[0][:, :14] = shown[0][:9] = 0
    shown[2][:, -11:] = 0
    return written(
        tmp_path / "in" / "cave",
        [frame * mask[..., None] for frame, mask in zip(frames, shown, strict=True)],
        [shown[0], None, shown[2]],
    )


def of_the_tripod(tmp_path: Path) -> np.ndarray:
    """The picture of the same scene from frames that are whole."""
    files = written(tmp_path / "whole", bracket(EVS, (IDENTITY,) * 3), [None] * 3)
    return fuse_files(files, options=FuseOptions(align=False, deghost=False)).pixels


@pytest.mark.parametrize("align", [[], ["--no-align"]])
def test_transparent_margins_are_cropped_or_filled_and_never_black(
    remapped: list[str], tmp_path: Path, align: list[str]
) -> None:
    whole = of_the_tripod(tmp_path).astype(int)
    out, full = tmp_path / "out.png", tmp_path / "full.png"
    assert main(["fuse", *remapped, "-o", str(out), *align]) == 0
    assert np.abs(read_photo(out) - whole[9:, 14:-11]).mean() < 2
    assert main(["fuse", *remapped, "-o", str(full), "--crop", "none", *align]) == 0
    difference = np.abs(read_photo(full) - whole)
    assert difference.shape == (HEIGHT, WIDTH, 3)
    assert difference[:, :14].mean() < 8
    assert difference[:, -11:].mean() < 8
    assert difference[30:, 40:-40].mean() < 1


def test_what_no_frame_holds_is_not_taken_for_motion(
    remapped: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fuse", *remapped, "-o", str(tmp_path / "out.png"), "--crop", "none", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["deghosting"]["share"] < 0.002


@pytest.mark.parametrize("crop", ["none", "union"])
def test_what_one_frame_alone_is_picture_of_is_not_taken_for_motion(
    crop: str, handheld: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fuse", *handheld, "-o", str(tmp_path / "out.png"), "--crop", crop, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["deghosting"]["regions"] == 0


def test_none_keeps_the_whole_frame_and_fills_its_margins(handheld: list[str], tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    assert main(["fuse", *handheld, "-o", str(out), "--crop", "none"]) == 0
    [picture, _] = read_frames([out, out])
    assert picture.valid is None
    difference = np.abs(picture.pixels.astype(int) - of_the_tripod(tmp_path))
    margin = np.ones((HEIGHT, WIDTH), bool)
    margin[12:-12, 12:-12] = False
    assert difference[margin].mean() < 8


def test_union_is_transparent_where_no_frame_shows_anything(handheld: list[str], tmp_path: Path) -> None:
    out = tmp_path / "out.tif"
    assert main(["fuse", *handheld, "-o", str(out), "--crop", "union", "--depth", "16"]) == 0
    [picture, _] = read_frames([out, out])
    height, width, _ = picture.pixels.shape
    assert (width, height) == pytest.approx((WIDTH + 15, HEIGHT + 13), abs=2)
    assert picture.valid is not None
    hidden = 1 - picture.valid
    assert 0 < hidden.mean() < 0.01
    assert hidden[:2, :2].all()
    assert picture.valid[8:-12, 9:-12].all()


def test_a_format_without_alpha_goes_on_at_the_edge_and_says_so(
    handheld: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.jpg"
    assert main(["fuse", *handheld, "-o", str(out), "--crop", "union", "--json"]) == 0
    [warning] = json.loads(capsys.readouterr().out)["warnings"]
    assert "shown by no frame: '.jpg' cannot be transparent" in warning
    corner = read_photo(out)[:3, :3].astype(int)
    assert np.ptp(corner) < 40


def test_a_batch_crops_alike(handheld: list[str], tmp_path: Path) -> None:
    batch = ["batch", str(tmp_path / "in"), "-o", str(tmp_path / "out"), "--jobs", "1", "--frames", "3"]
    assert main([*batch, "--format", "png", "--crop", "union"]) == 0
    [picture, _] = read_frames([tmp_path / "out" / "barn.png"] * 2)
    assert picture.valid is not None
    assert record(tmp_path / "out", "barn")["alignment"]["kept_area"] > 1


def test_align_writes_frames_that_are_transparent_where_they_show_nothing(
    handheld: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["align", *handheld, "-o", str(tmp_path / "aligned"), "--crop", "none"]) == 0
    assert f"{WIDTH}×{HEIGHT} pixels are left, 100.0% of the picture" in capsys.readouterr().out
    found = read_frames([tmp_path / "aligned" / f"{index}_aligned.tif" for index in range(3)])
    assert [picture.valid is None for picture in found] == [False, True, False]
    again = tmp_path / "again.png"
    files = [str(tmp_path / "aligned" / f"{index}_aligned.tif") for index in range(3)]
    assert main(["fuse", *files, "-o", str(again), "--no-align"]) == 0
    width = read_photo(again).shape[1]
    assert width == pytest.approx(WIDTH - 15, abs=3)
