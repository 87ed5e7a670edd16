"""Where a batch may write, and that its pictures are not taken for photos."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.batches import shoot

from deepfuse.batch import check_place, leave_unsearched
from deepfuse.cli import main
from deepfuse.errors import DeepfuseError, PhotoError
from deepfuse.grouping import find_brackets
from deepfuse.grouping.shots import walk


def test_pictures_in_a_folder_among_the_photos_are_never_taken_for_photos(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shoot(tmp_path / "barn", 1)
    batch = ["batch", str(tmp_path), "-o", str(tmp_path / "fused"), "-j", "1", "--no-align", "--format", "jpg"]
    assert main([*batch, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["done"] == ["barn"]
    picture = (tmp_path / "fused/barn.jpg").read_bytes()
    for exported in ("1.jpg", "2.jpg"):
        (tmp_path / "fused" / exported).write_bytes(picture)
    assert main([*batch, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["finished"], said["left_out"]) == (["barn"], 0)
    assert main(["brackets", str(tmp_path), "--json"]) == 0, "whoever searches leaves them out"
    found = json.loads(capsys.readouterr().out)
    assert ([one["scene"] for one in found["sets"]], found["left_out"]) == (["barn"], [])
    assert [path.name for _, files in walk(tmp_path / "fused") for path in files] == ["1.jpg", "2.jpg", "barn.jpg"]


def test_the_folder_of_the_photos_and_one_with_photos_of_its_own_are_refused(tmp_path: Path) -> None:
    shoot(tmp_path / "in/barn", 1)
    (tmp_path / "same").symlink_to(tmp_path / "in")
    for output in (tmp_path / "in", tmp_path / "same", tmp_path / "in/barn/.."):
        with pytest.raises(PhotoError, match="another folder than that of the photos"):
            check_place(tmp_path / "in", output)
    with pytest.raises(PhotoError, match=r"no photo of its own.*got 0\.png"):
        check_place(tmp_path / "in", tmp_path / "in/barn")
    check_place(tmp_path / "in", tmp_path / "in/barn/fused")
    check_place(tmp_path / "in/barn", tmp_path)


def test_pictures_of_batches_that_once_wrote_beside_the_photos_may_lie_among_them(tmp_path: Path) -> None:
    shoot(tmp_path / "day1", 1)
    out = tmp_path / "fused"
    assert main(["batch", str(tmp_path / "day1"), "-o", str(out), "-j", "1", "--no-align"]) == 0
    assert len(find_brackets(tmp_path).left_out) == 1
    check_place(tmp_path, out)
    leave_unsearched(tmp_path, out)
    assert find_brackets(tmp_path).left_out == ()


def test_a_folder_elsewhere_is_not_marked_and_what_lies_in_it_is_found(tmp_path: Path) -> None:
    shoot(tmp_path / "trip/card/barn", 1)
    leave_unsearched(tmp_path / "trip/card", tmp_path / "trip")
    leave_unsearched(tmp_path, tmp_path / "not there")
    assert len(find_brackets(tmp_path).groups) == 1
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    fused = tmp_path / "trip/card/fused"
    fused.symlink_to(elsewhere)
    leave_unsearched(tmp_path / "trip/card", fused)
    (elsewhere / "0.jpg").touch()
    assert [folder.name for folder, _ in walk(tmp_path / "trip/card")] == ["card", "barn"]


def test_a_link_where_a_batch_keeps_its_own_is_not_marked(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (tmp_path / "in/out").mkdir(parents=True)
    (tmp_path / "in/out/.deepfuse").symlink_to(theirs)
    with pytest.raises(DeepfuseError, match="got a link"):
        leave_unsearched(tmp_path / "in", tmp_path / "in/out")
    assert not list(theirs.iterdir())
