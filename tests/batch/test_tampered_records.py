"""Records that somebody or something damaged."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.batches import job

from deepfuse.batch.record import read_record
from deepfuse.batch.work import fuse_set

GOOD = {"file": "0.png", "bytes": 1, "mtime_ns": 2, "sha256": "3"}
WHOLE = {"status": "done", "key": {}, "inputs": [GOOD], "output": GOOD, "masks": [], "earlier": []}
TAMPERED: dict[str, Any] = {
    "no JSON": "{",
    "other bytes": "\ud800",
    "deep": "[" * 10**5,
    "a list": [],
    "a number of files": WHOLE | {"inputs": 3},
    "files that are numbers": WHOLE | {"inputs": [3]},
    "files that are lists": WHOLE | {"inputs": [[]]},
    "a name that is none": WHOLE | {"earlier": [GOOD | {"file": "../0.png"}]},
    "the folder above": WHOLE | {"earlier": [GOOD | {"file": ".."}]},
    "an empty name": WHOLE | {"earlier": [GOOD | {"file": ""}]},
    "a name of zero bytes": WHOLE | {"earlier": [GOOD | {"file": "a\0b"}]},
    "a name that is a number": WHOLE | {"earlier": [GOOD | {"file": 3}]},
    "a size that is text": WHOLE | {"output": GOOD | {"bytes": "1"}},
    "a hash that is a list": WHOLE | {"masks": [GOOD | {"sha256": []}]},
    "a field too many": WHOLE | {"output": GOOD | {"more": 1}},
    "an output that is text": WHOLE | {"output": "0.png"},
    "masks that are none": WHOLE | {"masks": None},
    "a key that is text": WHOLE | {"key": "key"},
}


@pytest.mark.parametrize("name", TAMPERED)
def test_of_a_tampered_record_nothing_is_known(tmp_path: Path, name: str) -> None:
    value = TAMPERED[name]
    text = value if isinstance(value, str) else json.dumps(value)
    (tmp_path / "barn.json").write_bytes(text.encode("utf-8", "surrogatepass"))
    assert read_record(tmp_path / "barn.json") is None
    (tmp_path / "barn.json").write_text(json.dumps(WHOLE))
    assert read_record(tmp_path / "barn.json") is not None


def test_a_record_that_is_huge_or_no_file_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "huge.json").open("wb") as file:
        file.truncate(10**11)
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "folder.json").mkdir()
    assert [read_record(path) for path in sorted(tmp_path.iterdir())] == [None] * 3


def test_a_set_whose_record_is_tampered_with_is_made_and_one_that_can_have_none_fails(tmp_path: Path) -> None:
    first = job(tmp_path)
    first.record.parent.mkdir()
    first.record.write_text(json.dumps(WHOLE | {"earlier": [GOOD | {"file": "a/b"}]}))
    assert not first.finished
    assert fuse_set(first).status == "done"
    first.record.unlink()
    (first.record / "in the way").mkdir(parents=True)
    outcome = fuse_set(replace(first, force=True))
    assert outcome.status == "failed"
    assert "no record could be written: Is a directory" in outcome.reason
