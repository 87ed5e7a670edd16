"""What is noted of files: asked once, and again when one of them changes."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from deepfuse import notes
from deepfuse.notes import open_notes


@pytest.fixture
def photo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that counts as old."""
    monkeypatch.setattr(notes, "SETTLED_S", -1.0)
    path = tmp_path / "photo"
    path.write_text("first")
    return path


def ask(book: Path, photo: Path, key: object = 1) -> list[str]:
    """The questions that had to be answered anew, of two asked twice."""
    found: list[str] = []

    def read(question: str) -> list[str | None]:
        found.append(question)
        return [photo.read_text(), None]

    with open_notes(book, key) as known:
        for question in ("text", "more", "text", "more"):
            assert known.recall(question, [photo], lambda question=question: read(question)) == [
                photo.read_text(),
                None,
            ]
    return found


def test_a_file_is_asked_once_until_it_or_what_asks_changes(photo: Path) -> None:
    book = photo.with_name("book")
    assert ask(book, photo) == ["text", "more"]
    assert ask(book, photo) == []
    assert ask(book, photo, {"code": 2}) == ["text", "more"]
    photo.write_text("other")  # as long
    assert ask(book, photo) == ["text", "more"]
    photo.unlink()
    photo.write_text("other")
    assert ask(book, photo) == ["text", "more"]


def test_what_changed_a_moment_ago_or_is_no_file_is_not_noted(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    book, link = photo.with_name("book"), photo.with_name("link")
    link.symlink_to(photo)
    assert ask(book, link) == ["text", "more", "text", "more"]
    monkeypatch.setattr(notes, "SETTLED_S", 100.0)
    assert ask(book, photo) == ["text", "more", "text", "more"]


def test_an_error_is_not_noted(photo: Path) -> None:
    with open_notes(photo.with_name("book"), 1) as known:
        for _ in range(2):
            with pytest.raises(ZeroDivisionError):
                known.recall("text", [photo], lambda: 1 // 0)
        assert known.recall("text", [photo.with_name("none")], lambda: 3) == 3


@pytest.mark.parametrize("damage", [b"no book", None])
def test_a_damaged_book_is_begun_anew(photo: Path, damage: bytes | None) -> None:
    book = photo.with_name("book")
    ask(book, photo)
    book.write_bytes(damage or book.read_bytes()[:100] + bytes(5000))
    assert ask(book, photo) == ["text", "more"]
    assert ask(book, photo) == []


def test_who_may_not_write_asks_each_time_and_keeps_the_book(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    book = photo.with_name("book")
    ask(book, photo, "first")
    monkeypatch.setattr(notes, "WAIT_S", 0.0)
    with open_notes(book, "writer", wait_s=0) as writer:
        writer.note("name", 1)
        with open_notes(book, "reader", wait_s=0) as reader:
            assert reader.recall("text", [photo], lambda: 2) == 2
    assert ask(book, photo, "first") == []
    with open_notes(book, "writer") as writer:
        assert writer.known("name") == "1"
    (photo.with_name("file")).write_text("")
    with open_notes(photo.with_name("file") / "book", 1) as nowhere:
        assert nowhere.recall("text", [photo], lambda: 3) == 3


def test_notes_of_no_use_are_dropped_after_a_month(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    book, now = photo.with_name("book"), time.time()
    ask(book, photo)
    for days, anew in ((29, 0), (58, 0), (89, 0), (90, 2)):  # those on day 89 are dropped when it is over
        monkeypatch.setattr(time, "time", lambda days=days: now + days * notes.DAY_S)
        if days == 89:
            with open_notes(book, 1):
                continue
        assert len(ask(book, photo)) == anew
