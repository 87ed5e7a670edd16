"""Brackets that are as they were recorded cost no question to DVC; any change is seen, and mended."""

from __future__ import annotations

import os

import pytest
from support.checkouts import CACHE, RAW, WHOLE, contents, drop

from deepfuse import notes
from flows import pipeline, raw, unchanged

PHOTO = RAW / "attic/00.dng"

pytestmark = pytest.mark.usefixtures("in_checkout")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The questions to DVC since all was known."""
    monkeypatch.setattr(notes, "SETTLED_S", -1.0)
    words: list[str] = []
    dvc = pipeline.dvc
    monkeypatch.setattr(pipeline, "dvc", lambda *args, **kwargs: words.append(args[0]) or dvc(*args, **kwargs))
    raw.restore()
    words.clear()
    return words


def again() -> None:
    raw.restore()
    raw.record()


def test_nothing_is_asked_where_nothing_changed(asked: list[str]) -> None:
    again()
    assert asked == []
    assert contents() == WHOLE


def test_a_photo_written_into_is_seen_though_size_and_time_are_as_before(asked: list[str]) -> None:
    before = PHOTO.stat()
    PHOTO.chmod(0o644)
    PHOTO.write_text("attic X")
    os.utime(PHOTO, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert PHOTO.stat().st_size == before.st_size
    md5 = raw.recorded_md5()
    assert not unchanged.is_recorded(md5)
    raw.restore()
    assert asked == ["data"], "DVC, which knows files by size and time, is asked at least"


def test_a_photo_with_other_content_is_put_back(asked: list[str]) -> None:
    PHOTO.unlink()
    PHOTO.write_text("other")
    again()
    assert contents() == WHOLE
    assert asked[0] == "data"


def test_what_the_cache_lacks_is_put_there(asked: list[str]) -> None:
    md5 = raw.recorded_md5()[PHOTO]
    stored = CACHE / md5[:2] / md5[2:]
    drop(stored)
    stored.write_text("")
    again()
    assert "add" in asked
    assert stored.read_text() == PHOTO.read_text()


def test_another_set_is_recorded(asked: list[str]) -> None:
    new = RAW / "dune/00.dng"
    new.parent.mkdir()
    new.write_text("dune 0")
    again()
    assert new in raw.recorded_md5()
    assert asked == ["add"]
    (RAW / "dune/00.dng").unlink()
    again()
    assert new.read_text() == "dune 0"
