"""Photos that were looked at before: the same brackets without another look."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.photographs import Card

from deepfuse import notes
from deepfuse.grouping import Grouping, find_brackets, noted
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


def test_a_folder_is_grouped_once_where_every_photo_is_in_a_bracket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notes, "SETTLED_S", -1.0)
    card, book, grouped = tmp_path / "card", tmp_path / "book", []
    shots = Card(card)
    group_folder = noted.group_folder
    monkeypatch.setattr(noted, "group_folder", lambda *args: grouped.append(args[0].path) or group_folder(*args))
    for stops in ((-2, 0, 2), (-1, 1)):
        shots.bracket(*stops, scene=len(stops))
        shots.clock_s += 600
    first, _ = found(card, book)
    assert [len(group.bracket.files) for group in first.groups] == [3, 2]
    assert found(card, book) == (first, [])
    assert grouped == [card]
    asked: list[str] = []
    with open_notes(book, 1) as known:
        find_brackets(
            card, looks=Counting(), recall=lambda question, *of: asked.append(question) or known.recall(question, *of)
        )
    assert len(asked) == 1, "about the folder, and about none of its photos"
    with open_notes(book, 1) as known:
        others = find_brackets(card, frames=5, looks=Counting(), recall=known.recall)
    assert [len(group.bracket.files) for group in others.groups] == [5], "asked otherwise"
    shots.shoot(scene=9)
    again, _ = found(card, book)
    assert [len(again.groups), len(again.left_out)] == [2, 1]
    grouped.clear()
    assert found(card, book)[0] == again
    assert grouped == [card], "one is left over"
