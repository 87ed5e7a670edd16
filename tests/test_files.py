from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from deepfuse.files import beside, json_line, json_text, link, remove_abandoned, write_json

HOSTILE = {"model": "\x1b[2J \x7f \x9b31m \u202e \u2028 é \ud800", "list": [1, "two\nlines"]}


@pytest.mark.parametrize("write", [json_text, json_line])
def test_json_holds_control_characters_as_escapes(write: Callable[[object], str]) -> None:
    text = write(HOSTILE)
    assert not set(text) & set("\x1b\x7f\x9b\u202e\u2028\ud800")
    assert "é" in text
    assert json.loads(text) == HOSTILE


def test_a_file_of_json_can_be_read_back(tmp_path: Path) -> None:
    write_json(tmp_path / "record.json", HOSTILE)
    assert json.loads((tmp_path / "record.json").read_text(encoding="utf-8")) == HOSTILE


def test_a_link_under_the_temporary_name_is_not_written_through(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.write_text("precious")
    beside(tmp_path / "record.json").with_suffix(".json").symlink_to(theirs)
    write_json(tmp_path / "record.json", 1)
    assert theirs.read_text() == "precious"
    assert json.loads((tmp_path / "record.json").read_text()) == 1


@pytest.mark.parametrize("before", ["nothing", "no folder", "a file", "a link to nothing"])
def test_what_is_linked_takes_the_place_of_what_was_there(tmp_path: Path, before: str) -> None:
    made, target = tmp_path / "made", tmp_path / "out/scene.tif"
    made.write_text("frames")
    if before != "no folder":
        target.parent.mkdir()
    if before == "a file":
        target.write_text("older frames")
    if before == "a link to nothing":
        target.symlink_to(tmp_path / "gone")
    link(made, target)
    assert target.samefile(made)
    assert target.read_text() == "frames"
    assert [path.name for path in target.parent.iterdir()] == ["scene.tif"]


def test_of_what_ended_processes_left_a_link_goes_and_its_target_stays(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    (theirs / "photos").mkdir(parents=True)
    (tmp_path / ".0123456789ab_4194305").symlink_to(theirs)
    (tmp_path / ".ba9876543210_4194305").mkdir()
    (tmp_path / ".holiday_4194305").mkdir()
    remove_abandoned(tmp_path)
    assert (theirs / "photos").is_dir()
    assert sorted(path.name for path in tmp_path.iterdir()) == [".holiday_4194305", "theirs"]
