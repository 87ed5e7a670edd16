from __future__ import annotations

import json
from pathlib import Path

from deepfuse.files import json_text, write_json

HOSTILE = {"model": "\x1b[2J \x7f \x9b31m \u202e \u2028 é \ud800", "list": [1, "two\nlines"]}


def test_json_holds_control_characters_as_escapes() -> None:
    text = json_text(HOSTILE)
    assert not set(text) & set("\x1b\x7f\x9b\u202e\u2028\ud800")
    assert "é" in text
    assert json.loads(text) == HOSTILE


def test_a_file_of_json_can_be_read_back(tmp_path: Path) -> None:
    write_json(tmp_path / "record.json", HOSTILE)
    assert json.loads((tmp_path / "record.json").read_text(encoding="utf-8")) == HOSTILE
