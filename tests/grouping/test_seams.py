"""Sets that run across the folders of a card, or past the end of a camera's counter."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.photographs import Card

from deepfuse.grouping import Grouping, find_brackets


def sets(grouping: Grouping) -> list[list[str]]:
    """Each set's files, with their folders, by name."""
    files = [sorted(group.bracket.files) for group in grouping.groups]
    return [[f"{file.parent.name}/{file.name}" for file in one] for one in files]


def shoot(dcim: Path, rows: dict[str, list[int]], *, exif: bool, scenes: int = 3, mode: int | None = 2) -> None:
    """Three frames of each scene, under these numbers in these folders."""
    card = Card(dcim)
    places = [(folder, number) for folder, numbers in rows.items() for number in numbers]
    for index, (folder, number) in enumerate(places):
        card.folder = dcim / folder
        card.clock_s += 0.5 if index % 3 else 60
        card.shoot((-2, 0, 2)[index % 3], scene=index // 3, name=f"IMG_{number:04d}.jpg", mode=mode, exif=exif)
    assert len(places) == 3 * scenes


@pytest.mark.parametrize("exif", [True, False])
@pytest.mark.parametrize(
    ("first", "second"),
    [([9996, 9997, 9998, 9999], [1, 2, 3, 4, 5]), ([97, 98, 99, 100], [101, 102, 103, 104, 105])],
    ids=["the counter begins again", "it goes on"],
)
def test_a_set_across_two_folders_of_a_card_is_one(
    tmp_path: Path, exif: bool, first: list[int], second: list[int]
) -> None:
    shoot(tmp_path / "DCIM", {"100CANON": first, "101CANON": second}, exif=exif)
    a, b = (
        [f"{folder}/IMG_{n:04d}.jpg" for n in numbers]
        for folder, numbers in (("100CANON", first), ("101CANON", second))
    )
    found = find_brackets(tmp_path)
    assert sets(found) == [a[:3], [*a[3:], *b[:2]], b[2:]]
    names = [f"DCIM__{name.replace('/', '__').removesuffix('.jpg')}" for name in (a[0], a[3], b[2])]
    assert [group.bracket.scene for group in found.groups] == names
    assert not found.left_out
    assert not found.refused


def test_a_folder_that_holds_only_the_end_of_a_set_is_not_refused(tmp_path: Path) -> None:
    shoot(tmp_path / "DCIM", {"100CANON": [9999], "101CANON": [1, 2]}, exif=True, scenes=1)
    found = find_brackets(tmp_path)
    assert [(group.bracket.scene, len(group.bracket.files)) for group in found.groups] == [("DCIM__100CANON", 3)]
    assert not found.refused


def test_folders_of_other_names_and_rows_that_end_stay_apart(tmp_path: Path) -> None:
    shoot(tmp_path / "trip", {"monday": [1, 2, 3], "tuesday": [4, 5, 6]}, exif=True, scenes=2)
    assert [group.bracket.scene for group in find_brackets(tmp_path).groups] == ["trip__monday", "trip__tuesday"]
    shoot(tmp_path / "DCIM", {"100CANON": [1, 2, 3], "101CANON": [4, 5, 6]}, exif=True, scenes=2)  # a minute later
    found = find_brackets(tmp_path / "DCIM")
    assert [group.bracket.scene for group in found.groups] == ["100CANON", "101CANON"]


def test_a_folder_of_strays_behind_a_row_is_refused_by_its_name(tmp_path: Path) -> None:
    dcim = tmp_path / "DCIM"
    shoot(dcim, {"100CANON": [1, 2, 3]}, exif=True, scenes=1)
    Card(dcim / "101CANON", clock_s=63, count=3).shoot(scene=7, mode=2)
    found = find_brackets(dcim)
    assert [group.bracket.scene for group in found.groups] == ["100CANON"]
    assert [one.scene for one in found.refused] == ["101CANON"]


@pytest.mark.parametrize("numbers", [[9998, 9999, 1], [9999, 1, 2], [9998, 9999, 0]])
def test_the_counter_begins_again_in_one_folder_without_exif(tmp_path: Path, numbers: list[int]) -> None:
    before, after = list(range(9990, numbers[0]))[-6:], list(range(numbers[-1] + 1, numbers[-1] + 4))
    before = before[len(before) % 3 :]
    rows = [*before, *numbers, *after]
    shoot(tmp_path / "card", {".": rows}, exif=False, scenes=len(rows) // 3)
    found = find_brackets(tmp_path)
    wanted = [[f"card/IMG_{n:04d}.jpg" for n in sorted(rows[at : at + 3])] for at in range(0, len(rows), 3)]
    assert sorted(sets(found)) == sorted(wanted)
