"""Photos that were looked at before: the same brackets without another look."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.photographs import Card

from deepfuse import notes
from deepfuse.grouping import Grouping, find_brackets
from deepfuse.notes import open_notes
from deepfuse.photo import DEFAULT_LIMITS
from deepfuse.photo.capture import Capture
from deepfuse.photo.isolated import Onlooker, ThisProcess
from deepfuse.photo.preview import Preview


class Counting(Onlooker):
    def __init__(self) -> None:
        super().__init__(ThisProcess(), DEFAULT_LIMITS)
        self.seen: list[str] = []

    def capture(self, path: Path) -> Capture:
        self.seen.append(path.name)
        return super().capture(path)

    def preview(self, path: Path, side_px: int) -> Preview:
        self.seen.append(path.name)
        return super().preview(path, side_px)


def found(folder: Path, book: Path) -> tuple[Grouping, list[str]]:
    looks = Counting()
    with open_notes(book, 1) as known:
        return find_brackets(folder, looks=looks, recall=known.recall), sorted(set(looks.seen))


def test_a_card_is_looked_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notes, "SETTLED_S", -1.0)
    card, book = tmp_path / "card", tmp_path / "book"
    Card(card).bracket(-2, 0, 2)
    first, seen = found(card, book)
    assert seen == ["IMG_0001.jpg", "IMG_0002.jpg", "IMG_0003.jpg"]
    assert len(first.groups) == 1
    assert found(card, book) == (first, [])
    photo = card / "IMG_0002.jpg"
    photo.write_bytes(photo.read_bytes()[:20])
    for _ in "ab":
        again, seen = found(card, book)
        assert "IMG_0002.jpg" in seen, "what is damaged is looked at each time"
        assert [one.file for one in again.left_out] == [photo]
    assert seen == ["IMG_0002.jpg"], "and nothing else"
