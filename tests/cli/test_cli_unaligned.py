"""`--if-unaligned`: the picture that is made all the same, and what is said of the frame that has no place."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from support.batches import record
from support.pictures import expose, textured_radiance

from deepfuse import FuseOptions, fuse_files
from deepfuse.cli import main
from deepfuse.photo import read_photo, write_photo


@pytest.fixture
def with_a_stranger(tmp_path: Path) -> list[str]:
    """Two exposures of a scene, and between them one of another."""
    folder = tmp_path / "in" / "barn"
    folder.mkdir(parents=True)
    scene, other = (textured_radiance(120, 160, seed) for seed in (1, 2))
    frames = {"a.png": expose(scene, -2), "b.png": expose(other, -1), "c.png": expose(scene, 0)}
    for name, frame in frames.items():
        write_photo(folder / name, (frame >> 8).astype(np.uint8))
    return [str(folder / name) for name in frames]


def test_a_refusal_names_the_files_and_says_what_else_can_be_done(
    with_a_stranger: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.png"
    assert main(["fuse", *with_a_stranger, "-o", str(out)]) == 4
    refusal, advice = capsys.readouterr().err.splitlines()
    assert refusal.startswith("deepfuse: b.png cannot be laid on ")
    assert (
        advice == "    --if-unaligned drop leaves such a frame out, as-is takes it where it is, --no-align takes all "
        "frames as they are"
    )
    assert not out.exists()


def test_a_long_refusal_has_a_line_for_each_frame(
    with_a_stranger: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "d.png"
    write_photo(other, (expose(textured_radiance(120, 160, 3), -3) >> 8).astype(np.uint8))
    out = str(tmp_path / "out")
    assert main(["align", *with_a_stranger, str(other), "-o", out]) == 4
    *frames, advice = capsys.readouterr().err.splitlines()
    assert len(frames) == 2
    assert all("cannot be laid on" in line for line in frames)
    assert "--no-align" not in advice, "the command has it not"


def test_frames_too_small_to_align_are_told_what_helps(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for level in (60, 180):
        write_photo(tmp_path / f"{level}.png", np.full((40, 50, 3), level, np.uint8))
    frames = [str(tmp_path / f"{level}.png") for level in (60, 180)]
    assert main(["fuse", *frames, "-o", str(tmp_path / "out.png")]) == 4
    said = capsys.readouterr().err
    assert "64 or more pixels a side to lay on each other, got 50×40" in said
    assert "--no-align" in said
    assert "--if-unaligned" not in said, "it does not help"


def test_the_stranger_is_left_out_and_named(
    with_a_stranger: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, alone = tmp_path / "out.png", tmp_path / "alone.png"
    assert main(["fuse", *with_a_stranger, "-o", str(out), "--if-unaligned", "drop", "--save-masks"]) == 0
    said = capsys.readouterr()
    assert said.err.startswith("deepfuse: warning: b.png cannot be laid on ")
    assert "2 exposures" in said.out
    assert main(["fuse", with_a_stranger[0], with_a_stranger[2], "-o", str(alone)]) == 0
    assert np.array_equal(read_photo(out), read_photo(alone))
    assert read_photo(tmp_path / "out_mask_b.png").min() == 255
    assert read_photo(tmp_path / "out_mask_a.png").max() == 0


def test_what_is_advised_is_not_what_was_tried(
    with_a_stranger: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "out.png")
    assert main(["fuse", *with_a_stranger[:2], "-o", out, "--if-unaligned", "drop"]) == 4
    said = capsys.readouterr().err
    assert "two frames must be left" in said
    assert "--if-unaligned drop" not in said


def test_the_moment_of_a_frame_that_is_left_out_cannot_be_shown(
    with_a_stranger: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.png"
    assert main(["fuse", *with_a_stranger, "-o", str(out), "--if-unaligned", "drop", "--reference", "b.png"]) == 4
    said = capsys.readouterr().err
    assert "expected the reference to be aligned, but b.png was left out: b.png cannot be laid on " in said
    assert "do not seem to show the same scene" in said
    assert not out.exists()


def test_the_stranger_is_taken_where_it_is_and_named(
    with_a_stranger: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fuse = ["fuse", *with_a_stranger, "-o", str(tmp_path / "out.png"), "--if-unaligned", "as-is", "--no-deghost"]
    assert main([*fuse, "--json"]) == 0
    said = capsys.readouterr()
    made = json.loads(said.out)
    [warning] = made["warnings"]
    assert warning.startswith("b.png cannot be laid on ")
    assert said.err == f"deepfuse: warning: {warning}\n"
    assert (made["alignment"]["as_is"], made["alignment"]["dropped"]) == ([1], [])
    taken = FuseOptions(align=False, deghost=False)
    assert np.array_equal(read_photo(tmp_path / "out.png"), fuse_files(with_a_stranger, options=taken).pixels)


def test_a_batch_says_in_record_and_summary_what_was_left_out(
    with_a_stranger: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    batch = ["batch", str(tmp_path / "in"), "-o", str(tmp_path / "out"), "--jobs", "1", "--frames", "3"]
    assert main(batch) == 1
    assert "failed: barn: b.png cannot be laid on" in capsys.readouterr().out
    assert main([*batch, "--if-unaligned", "drop", "--save-masks"]) == 0
    assert "warning: barn: b.png cannot be laid on" in capsys.readouterr().out
    [warning] = record(tmp_path / "out", "barn")["warnings"]
    assert warning.endswith("it is left out")
    assert main([*batch, "--if-unaligned", "drop", "--save-masks", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["finished"] == ["barn"]


def test_align_writes_the_frames_that_have_a_place(
    with_a_stranger: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "aligned"
    align = ["align", *with_a_stranger, "-o", str(out)]
    assert main(align) == 4
    assert "b.png cannot be laid on" in capsys.readouterr().err
    assert main([*align, "--if-unaligned", "drop"]) == 0
    said = capsys.readouterr()
    assert "warning: b.png" in said.err
    assert "left out" in said.out
    made = json.loads((out / "alignment.json").read_text())
    assert [Path(path).name for path in made["outputs"]] == ["a_aligned.tif", "c_aligned.tif"]
    assert sorted(path.name for path in out.iterdir()) == ["a_aligned.tif", "alignment.json", "c_aligned.tif"]
