"""`deepfuse fuse` of a folder, and the name of a picture that is told none."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from support.batches import shoot
from support.pictures import expose, textured_radiance

from deepfuse.cli import guard, main
from deepfuse.photo import read_photo, write_photo

QUICK = ["--no-align", "--no-deghost"]


def test_a_folder_is_the_bracket_in_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = shoot(tmp_path / "hall", 1)
    assert main(["fuse", str(tmp_path / "hall"), *QUICK, "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["output"] == str(tmp_path / "hall/0_fused.png")
    assert sorted(record["frames"]) == list(map(str, files))
    assert record["found"]["folder"] == str(tmp_path / "hall")
    named = str(tmp_path / "named.png")
    assert main(["fuse", *record["frames"], "-o", named, *QUICK]) == 0
    assert np.array_equal(read_photo(record["output"]), read_photo(named))


def test_what_was_fused_of_a_folder_is_no_frame_of_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shoot(tmp_path / "hall", 1)
    fuse = ["fuse", str(tmp_path / "hall"), "--no-align", "--save-masks"]
    assert main(fuse) == 0
    made = {path.name for path in (tmp_path / "hall").glob("*_fused*")}
    assert "0_fused.png" in made
    assert len(made) > 1
    assert main(fuse) == 4
    assert "0_fused.png: exists already; it is not overwritten without --force" in capsys.readouterr().err
    assert main([*fuse, "--force", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert (len(record["frames"]), record["found"]["left_out"]) == (3, 0)
    assert main(["brackets", str(tmp_path / "hall"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [one["scene"] for one in found["sets"]] == ["hall"]
    assert {Path(one["file"]).name for one in found["left_out"]} == made
    assert main(["batch", str(tmp_path / "hall"), "-o", str(tmp_path / "out"), *QUICK, "-j", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["left_out"] == 0


def test_a_folder_of_several_brackets_names_them_and_batch(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for seed, name in enumerate(("barn", "cave")):
        shoot(tmp_path / "card" / name, seed)
    assert main(["fuse", str(tmp_path / "card")]) == 4
    said = capsys.readouterr().err
    assert f"{tmp_path}/card: expected one bracket, got 2; `deepfuse batch {tmp_path}/card -o OUT` fuses each" in said
    assert "barn: 3 frames" in said
    assert "cave: 3 frames" in said
    assert not list(tmp_path.rglob("*_fused*"))


def test_a_folder_without_a_bracket_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fuse", str(tmp_path)]) == 3
    assert "got no photo" in capsys.readouterr().err
    shutil.copy(shoot(tmp_path / "hall", 1)[1], tmp_path)
    shutil.rmtree(tmp_path / "hall")
    assert main(["fuse", str(tmp_path)]) == 3
    assert "expected 2 or more exposures, got 1" in capsys.readouterr().err
    (tmp_path / "sky.hdr").write_bytes(b"#?RADIANCE\n")
    (tmp_path / "1.png").unlink()
    assert main(["fuse", str(tmp_path)]) == 3
    assert "radiance maps alone" in capsys.readouterr().err


def test_a_folder_with_a_frame_that_cannot_be_read_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shoot(tmp_path / "hall", 1)[1].write_bytes(b"no picture")
    assert main(["fuse", str(tmp_path / "hall")]) == 4
    assert "hall/1.png: expected a RAW" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("suffix", "options", "name"),
    [
        (".jpg", [], "0_fused.jpg"),
        (".jpg", ["--depth", "16"], "0_fused.tif"),
        (".tif", [], "0_fused.tif"),
        (".tif", ["--hdr"], "0_fused.jpg"),
    ],
)
def test_a_picture_without_a_name_is_of_the_frames_own_kind(
    tmp_path: Path, suffix: str, options: list[str], name: str
) -> None:
    radiance = textured_radiance(64, 80)
    frames = [tmp_path / f"{index}{suffix}" for index in range(2)]
    for path, stops in zip(frames, (-2, 2), strict=True):
        write_photo(path, (expose(radiance, stops) >> 8).astype(np.uint8))
    assert main(["fuse", *map(str, frames), *QUICK, *options]) == 0
    assert {path.name for path in tmp_path.iterdir()} - {path.name for path in frames} == {name}


def test_where_no_picture_can_go_beside_the_frames_o_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files = shoot(tmp_path / "card", 1)

    def read_only(**_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("deepfuse.photo.output.TemporaryFile", read_only)
    assert main(["fuse", *map(str, files)]) == 4
    said = capsys.readouterr().err
    assert f"{tmp_path}/card: cannot be written into: Read-only file system; -o OUT says where else" in said


def test_a_depth_that_does_not_fit_names_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = shoot(tmp_path / "hall", 1)
    assert main(["fuse", *map(str, files), "-o", str(tmp_path / "x.jpg"), "--depth", "16"]) == 4
    assert f"{tmp_path}/x.jpg: expected a depth up to 8-bit" in capsys.readouterr().err


def test_a_crash_in_a_folder_names_the_photo(tmp_path: Path) -> None:
    files = shoot(tmp_path / "hall", 1)
    assert list(guard._photos([str(tmp_path / "hall"), "-o", str(files[0])])) == [*files, files[0]]


def test_what_is_no_exposure_is_refused_among_the_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [str(file) for file in shoot(tmp_path / "hall", 1)]
    assert main(["fuse", *files, *QUICK]) == 0
    capsys.readouterr()
    fused = tmp_path / "hall/0_fused.png"
    assert main(["fuse", *files, str(fused), "-o", str(tmp_path / "again.png")]) == 4
    assert f"{fused}: expected exposures, got a picture fused of 0.png" in capsys.readouterr().err
    assert main(["fuse", str(tmp_path / "none")]) == 4
    assert f"{tmp_path}/none: expected exposures or a folder of them, got nothing" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main(["fuse", ""])
    assert "expected a path, got an empty text" in capsys.readouterr().err
