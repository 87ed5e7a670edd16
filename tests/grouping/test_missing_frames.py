"""What is left of a set with a frame missing says so; a whole one says nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.photographs import Card

from deepfuse.grouping import find_brackets


def warnings(folder: Path) -> list[tuple[str, ...]]:
    return [group.warnings for group in find_brackets(folder).groups]


def lapse(card: Card, *forms: tuple[float, ...], mode: int = 2) -> None:
    for scene, stops in enumerate(forms):
        card.bracket(*stops, mode=mode, scene=scene)
        card.clock_s += 60


THREE, FIVE = (0, -2, 2), (0, -1, 1, -2, 2)


@pytest.mark.parametrize("mode", [1, 2])
@pytest.mark.parametrize("exif", [True, False])
def test_a_number_that_is_skipped_inside_a_set_is_told(card: Card, mode: int, exif: bool) -> None:
    card.bracket(-2, 0, 2, mode=mode, exif=exif)
    assert warnings(card.folder) == [()]
    (card.folder / "IMG_0002.jpg").unlink()
    assert warnings(card.folder) == [("IMG_0002 is not there: a frame may be missing",)]


@pytest.mark.parametrize("names", ["{}", "ev_{}", "IMG_20240504_10000{}", "x{}"])
def test_numbers_that_are_no_cameras_tell_nothing(card: Card, names: str) -> None:
    for index, stops in enumerate((-2, 0, 2)):
        card.shoot(stops, name=f"{names.format(3 * index)}.jpg")
        card.clock_s += 1
    assert warnings(card.folder) == [()]


def test_a_photo_that_is_there_in_another_format_is_not_missing(card: Card) -> None:
    card.bracket(-2, 0, 2)
    (card.folder / "IMG_0002.jpg").rename(card.folder / "IMG_0002.txt.png")
    (card.folder / "IMG_0002.png").write_bytes(b"")
    assert "IMG_0002.png may belong to it but cannot be read" in warnings(card.folder)[0]
    assert not any("not there" in warning for warning in warnings(card.folder)[0])


def test_a_step_twice_as_wide_as_the_others_is_told(card: Card) -> None:
    for name, stops in (("a", -3), ("b", -2), ("c", 0), ("d", 1)):
        card.shoot(stops, name=f"{name}.jpg")
        card.clock_s += 1
    assert warnings(card.folder) == [("one step is twice as large as the others: a frame may be missing",)]


@pytest.mark.parametrize("left", [(0, -2), (0, 2), (-2, 2)])
def test_two_of_three_are_told_even_beside_a_single_whole_set(card: Card, left: tuple[float, float]) -> None:
    lapse(card, THREE, left)
    assert [any("2 of 3 frames" in one for one in said) for said in warnings(card.folder)] == [False, True]


def test_sets_that_were_meant_to_be_shorter_are_not_told(card: Card) -> None:
    lapse(card, THREE, THREE, THREE, FIVE)
    assert warnings(card.folder) == [()] * 4


def test_brackets_by_hand_of_several_lengths_are_not_told(card: Card) -> None:
    lapse(card, (-2, 0, 2), (-2, 0), mode=1)
    assert warnings(card.folder) == [()] * 2


def test_all_that_is_left_of_a_set_says_what_it_was(card: Card) -> None:
    lapse(card, THREE, (0,), THREE)
    found = find_brackets(card.folder)
    assert [one.why for one in found.left_out] == [
        "taken in bracketing mode, but no other exposure of its set is there"
    ]
