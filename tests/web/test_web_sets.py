"""Sets as a person rearranges them."""

from __future__ import annotations

from pathlib import Path

import pytest

from deepfuse.bracket import BracketFiles
from deepfuse.errors import BracketError
from deepfuse.grouping import Group, Grouping, LeftOut
from deepfuse.web.sets import Sets, photo_id

A, B, C, D, E, LONE = (Path(f"/card/{name}.jpg") for name in "abcdel")
FOUND = Grouping(
    (
        Group(BracketFiles("one", (A, B, C)), "exposures", "they differ"),
        Group(BracketFiles("two", (D, E)), "exposures", "too"),
    ),
    (LeftOut(LONE, "alone", "no other"),),
    (),
)


@pytest.fixture
def sets(tmp_path: Path) -> Sets:
    sets = Sets(tmp_path / "moved.json")
    sets.add(FOUND)
    return sets


def files(sets: Sets) -> dict[str, tuple[Path, ...]]:
    return {one.scene: one.files for one in sets.all()}


def test_a_frame_moves_to_another_set(sets: Sets) -> None:
    assert sets.move([photo_id(C)], "two") == "two"
    assert files(sets) == {"one": (A, B), "two": (D, E, C)}
    assert "changed by hand" in sets.get("one").why


def test_a_set_is_split(sets: Sets) -> None:
    sets.move([photo_id(LONE)], "one")
    name = sets.move([photo_id(B), photo_id(C)], None)
    assert files(sets) == {name: (B, C), "one": (A, LONE), "two": (D, E)}


def test_sets_are_merged_and_the_empty_one_is_gone(sets: Sets) -> None:
    sets.move([photo_id(D), photo_id(E)], "one")
    assert files(sets) == {"one": (A, B, C, D, E)}


def test_what_is_left_alone_is_in_no_set(sets: Sets) -> None:
    sets.move([photo_id(D)], "")
    assert files(sets) == {"one": (A, B, C)}
    assert set(sets.left_out()) == {LONE, D, E}


def test_what_was_moved_stays_so_when_the_folder_is_looked_through_again(sets: Sets, tmp_path: Path) -> None:
    sets.move([photo_id(C)], "two")
    name = sets.move([photo_id(A), photo_id(LONE)], None)
    before = files(sets)
    assert name in before
    for again in (sets, Sets(tmp_path / "moved.json")):
        again.clear()
        again.add(FOUND)
        assert {scene: set(paths) for scene, paths in files(again).items()} == {s: set(p) for s, p in before.items()}


@pytest.mark.parametrize(("photos", "to", "kind"), [
    ([], "one", BracketError),
    ([photo_id(A)], None, BracketError),
    (["0123"], "one", KeyError),
    ([photo_id(A)], "three", KeyError),
])  # fmt: skip
def test_what_cannot_be_moved_changes_nothing(
    sets: Sets, photos: list[str], to: str | None, kind: type[Exception]
) -> None:
    before = files(sets)
    with pytest.raises(kind):
        sets.move(photos, to)
    assert files(sets) == before


def test_photos_sent_together_are_a_set_of_a_name_of_their_own(sets: Sets) -> None:
    assert sets.put_together("one", [Path("/sent/1.jpg"), Path("/sent/2.jpg")]) == "one_2"
    with pytest.raises(BracketError, match="got 1"):
        sets.put_together("one", [A])
