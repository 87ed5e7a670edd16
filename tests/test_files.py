from __future__ import annotations

import json
from pathlib import Path

from deepfuse.files import beside, json_text, remove_abandoned, write_json

HOSTILE = {"model": "\x1b[2J \x7f \x9b31m \u202e \u2028 é \ud800", "list": [1, "two\nlines"]}


def test_json_holds_control_characters_as_escapes() -> None:
    text = json_text(HOSTILE)
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


def test_of_what_ended_processes_left_a_link_goes_and_its_target_stays(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    (theirs / "photos").mkdir(parents=True)
    (tmp_path / ".0123456789ab_4194305").symlink_to(theirs)
    (tmp_path / ".ba9876543210_4194305").mkdir()
    (tmp_path / ".holiday_4194305").mkdir()
    remove_abandoned(tmp_path)
    assert (theirs / "photos").is_dir()
    assert sorted(path.name for path in tmp_path.iterdir()) == [".holiday_4194305", "theirs"]
