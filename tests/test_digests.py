"""Hashes of a stage's inputs: a file is read again where it changed, and only there."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from deepfuse import incremental, notes
from deepfuse.files import file_digest
from deepfuse.incremental import DIGESTS, SceneCache, digests


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of files that were read; all count as old."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(notes, "SETTLED_S", -1.0)
    names: list[str] = []
    monkeypatch.setattr(incremental, "file_digest", lambda path: names.append(path.name) or file_digest(path))
    return names


@pytest.mark.parametrize("linked", [False, True])
def test_a_frame_is_hashed_once_until_it_changes(read: list[str], linked: bool) -> None:
    frames = [Path("00.tif"), Path("01.tif")]
    for frame in frames:
        frame.write_text(frame.name)
    first = [file_digest(frame) for frame in frames]
    assert [digests(frames, linked=linked) for _ in "abc"] == [first] * 3
    assert read == ["00.tif", "01.tif"]
    frames[1].write_text("other!")
    assert digests(frames, linked=linked) == [first[0], file_digest(frames[1])] != first


def test_hashes_are_kept_for_a_month_whatever_a_stage_forgets(read: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    Path("00.tif").write_text("frame")
    digests([Path("00.tif")])
    cache, now = SceneCache("any", ""), time.time()
    cache.tidy(unused_since=now + 100)
    assert list((incremental.CACHE / DIGESTS).glob("*/*"))
    monkeypatch.setattr(time, "time", lambda: now + incremental.KEPT_S + 100)
    cache.tidy()
    assert not list((incremental.CACHE / DIGESTS).glob("*/*"))


def test_old_hashes_are_looked_for_once_a_day(read: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    cache, day_s, now = SceneCache("any", ""), 24 * 3600, time.time()

    def left_at(days: float) -> int:
        monkeypatch.setattr(time, "time", lambda: now + days * day_s)
        cache.tidy()
        return len(list((incremental.CACHE / DIGESTS).glob("*/*")))

    Path("00.tif").write_text("frame")
    digests([Path("00.tif")])
    assert [left_at(days) for days in (2, 29.5, 30.2, 30.6)] == [1, 1, 1, 0]


def test_another_link_is_no_change_of_what_a_stage_made(read: list[str]) -> None:
    frame = Path("00.tif")
    frame.write_text("frame")
    before = digests([frame], linked=True), digests([frame])
    Path("cached").hardlink_to(frame)
    frame.unlink()
    frame.hardlink_to("cached")
    read.clear()
    assert digests([frame], linked=True) == before[0]
    assert not read
    assert digests([frame]) == before[1]
    assert read == ["00.tif"]


def test_a_file_of_this_moment_is_read_each_time(read: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notes, "SETTLED_S", 100.0)
    Path("00.tif").write_text("frame")
    assert digests([Path("00.tif")]) == digests([Path("00.tif")])
    assert read == ["00.tif", "00.tif"]
    with pytest.raises(FileNotFoundError):
        digests([Path("none")])
