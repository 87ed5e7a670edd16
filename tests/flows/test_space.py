"""A run that the disk has no room for ends before it moves or writes anything, and says what it needs."""

from __future__ import annotations

from collections import namedtuple
from pathlib import Path

import pytest
from support.inboxes import photos
from support.projects import set_params

from deepfuse.errors import DeepfuseError
from flows import pipeline, retrain, space
from flows.inbox import INBOX, RAW

Usage = namedtuple("Usage", "total used free")


def leave_free(monkeypatch: pytest.MonkeyPatch, size: float) -> None:
    monkeypatch.setattr(space.shutil, "disk_usage", lambda _: Usage(0, 0, size))


def one_set(size: int) -> Path:
    entry = photos(INBOX / "beach", 10, 200)
    for path in entry.iterdir():
        path.write_bytes(bytes(size // 2))
    return entry


def test_sets_without_room_stay_in_the_inbox(in_folder: None, monkeypatch: pytest.MonkeyPatch) -> None:
    set_params(Path(), {"ingest": {"source": "data/raw"}})
    entry = one_set(100_000_000)
    leave_free(monkeypatch, 500e6)
    with pytest.raises(DeepfuseError, match=r"expected 0\.53 GB free for 1 sets of 0\.10 GB.* got 0\.50 GB"):
        retrain.accept.fn()
    assert entry.is_dir()
    assert not RAW.exists()
    leave_free(monkeypatch, 540e6)
    space.require_space([entry])


def test_the_need_is_told_by_what_was_recorded(in_folder: None, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = one_set(1_000_000)
    outs = {"data/frames": 8_000_000, "data/patches": 2_000_000}
    text = ", ".join(f"{{path: {path}, size: {size}}}" for path, size in outs.items())
    pipeline.LOCK.write_text(f"stages: {{sample: {{outs: [{{path: a, size: 9000000}}]}}, ingest: {{outs: [{text}]}}}}")
    pipeline.RAW_DVC.write_text("outs: [{path: raw, md5: 0, size: 5000000}]")
    needed = 1_000_000 * (1 + 10 / 5) + 2_000_000
    folder = entry.lstat().st_size
    leave_free(monkeypatch, needed + 3 * folder)
    space.require_space([entry])
    leave_free(monkeypatch, needed - 1)
    with pytest.raises(DeepfuseError, match=r"expected 0\.01 GB free"):
        space.require_space([entry])


@pytest.mark.parametrize("said", ["No possible cache link types for 'data'", "[Errno 28] No space left on device"])
def test_a_full_disk_is_named_where_dvc_does_not(in_folder: None, monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    monkeypatch.setattr(pipeline, "_run", lambda *_: (255, [f"ERROR: unexpected error - {said}"]))
    leave_free(monkeypatch, 4096)
    with pytest.raises(RuntimeError, match=r"dvc repro: .*4,096 bytes are free"):
        pipeline.dvc("repro")
