"""Cards of timed photos with EXIF: every bracket exact, every other photo left out for its own reason."""

from __future__ import annotations

from pathlib import Path

import exiv2
import pytest
from support.photographs import Card, causes, sets

from deepfuse.grouping import find_brackets

ORDERS = {
    "0-+": (0, -2, 2),
    "-0+": (-2, 0, 2),
    "+0-": (2, 0, -2),
    "five": (0, -1, 1, -2, 2),
    "two": (0, -2),
    "fifteen": tuple(n / 2 for n in range(-7, 8)),
}


@pytest.mark.parametrize("order", ORDERS)
def test_back_to_back_sets_of_one_scene_come_apart_in_any_order(card: Card, order: str) -> None:
    truth = [card.bracket(*ORDERS[order], mode=2, metered=metered) for metered in (0, 0, 1 / 3)]
    found = find_brackets(card.folder)
    assert sets(found) == truth
    assert not found.left_out
    assert {group.evidence for group in found.groups} == {"exif"}


def test_whole_seconds_are_enough(card: Card) -> None:
    truth = [card.bracket(0, -2, 2, mode=2, pause_s=0.3, tags={"Exif.Photo.SubSecTimeOriginal": ""}) for _ in range(4)]
    assert sets(find_brackets(card.folder)) == truth


def test_file_numbers_wrap_and_midnight_passes(card: Card) -> None:
    names = ["IMG_9998.jpg", "IMG_9999.jpg", "IMG_0001.jpg", "IMG_0002.jpg", "IMG_0003.jpg", "IMG_0004.jpg"]
    card.clock_s = 6399.7  # 0.3 s to midnight
    whole = {"Exif.Photo.SubSecTimeOriginal": ""}
    for index, name in enumerate(names):
        card.shoot((0, -2, 2)[index % 3], name=name, mode=2, tags=whole)
        card.clock_s += 0.1
    assert sets(find_brackets(card.folder)) == [set(names[:3]), set(names[3:])]


def test_an_interrupted_bracket_is_a_bracket_with_a_warning(card: Card) -> None:
    truth = [card.bracket(0, -2, 2, mode=2), card.bracket(0, -2, mode=2), card.bracket(0, -2, 2, mode=2)]
    found = find_brackets(card.folder)
    assert sets(found) == truth
    assert [len(group.warnings) for group in found.groups] == [0, 1, 0]
    assert "2 of 3 frames" in found.groups[1].warnings[0]


def test_strays_and_bursts_between_the_sets_are_left_out(card: Card) -> None:
    card.shoot(0, mode=0)
    card.clock_s += 2
    truth = [card.bracket(0, -2, 2, mode=2)]
    card.clock_s += 2
    card.bracket(0, 0, 0, 0, mode=0, scene=1, pause_s=0.2)
    truth.append(card.bracket(0, -2, 2, mode=2, scene=2))
    found = find_brackets(card.folder)
    assert sets(found) == truth
    assert sorted(causes(found).values()) == ["alone", *["burst"] * 4]
    assert [group.bracket.scene for group in found.groups] == ["IMG_0002", "IMG_0009"]


def test_a_bracket_by_hand_needs_one_scene(card: Card) -> None:
    card.shoot(0, scene=7)
    card.clock_s += 120
    truth = [card.bracket(-2, 0, 2, mode=1, pause_s=12, scene=1)]
    card.clock_s += 60
    for scene, stops in enumerate((-1, 0.5, 2)):  # other scenes, each darker or brighter
        card.shoot(stops, scene=20 + scene, mode=1)
        card.clock_s += 8
    found = find_brackets(card.folder)
    assert sets(found) == truth
    assert found.groups[0].evidence == "ladder"
    assert set(causes(found).values()) == {"alone"}


def test_a_panorama_in_automatic_exposure_is_no_bracket(card: Card) -> None:
    for scene, metered in enumerate((0, 1, 2, 1.3, 0.3)):
        card.shoot(0, scene=scene, metered=metered, mode=0)
        card.clock_s += 2
    found = find_brackets(card.folder)
    assert not found.groups
    assert found.refused[0].scene == "card"


def test_one_view_that_automatic_exposure_evened_out_is_no_bracket(card: Card) -> None:
    for metered in (0, 1, 2):
        card.shoot(0, metered=metered, mode=0)
        card.clock_s += 5
    assert not find_brackets(card.folder).groups


def test_a_bracketed_panorama_is_a_bracket_a_position(card: Card) -> None:
    truth = [card.bracket(-2, 0, 2, mode=2, scene=scene) for scene in range(5)]
    assert sets(find_brackets(card.folder)) == truth


def test_long_exposures_are_no_pause(card: Card) -> None:
    truth = []
    for _ in range(2):
        names = set()
        for stops in (6, 8, 10):  # up to 17 seconds
            names.add(card.shoot(stops, mode=2))
            card.clock_s += 2.0**stops / 60 + 1
        truth.append(names)
        card.clock_s += 40
    assert sets(find_brackets(card.folder)) == truth


def test_two_cameras_shoot_at_once_into_one_folder(tmp_path: Path) -> None:
    first, second = Card(tmp_path, serial="1"), Card(tmp_path, serial="2", count=100)
    truth: list[set[str]] = [set(), set()]
    for stops in (0, -2, 2):
        for index, camera in enumerate((first, second)):
            truth[index].add(camera.shoot(stops, mode=2))
            camera.clock_s += 0.5
    assert sets(find_brackets(tmp_path)) == truth


@pytest.mark.parametrize("kind", ["focus", "white balance"])
def test_brackets_of_another_kind_are_none(card: Card, kind: str) -> None:
    card.make = "Panasonic"
    burst = {"focus": 3, "white balance": 8}[kind]
    card.bracket(0, 0, 0, tags={"Exif.Panasonic.BurstMode": exiv2.UShortValue([burst])})
    found = find_brackets(card.folder)
    assert not found.groups
    assert set(causes(found).values()) == {"not exposure"}


def test_the_cameras_own_count_parts_sets(card: Card) -> None:
    card.make = "Panasonic"
    for number, stops in enumerate((-2, 0, 1, 3, 5)):  # two of three, then three in other light: monotone throughout
        tags = {
            "Exif.Panasonic.BurstMode": exiv2.UShortValue([2]),
            "Exif.Panasonic.SequenceNumber": exiv2.ULongValue([(1, 2, 1, 2, 3)[number]]),
            "Exif.Panasonic.BracketSettings": exiv2.UShortValue([2]),
        }
        card.shoot(stops, tags=tags)
        card.clock_s += 0.5
    found = find_brackets(card.folder)
    assert [len(files) for files in sets(found)] == [2, 3]
    assert {group.evidence for group in found.groups} == {"maker"}
    assert "2 of 3" in found.groups[0].warnings[0]


def test_a_clock_in_another_zone_is_one_time(card: Card) -> None:
    for index, stops in enumerate((0, -2, 2)):
        card.clock_s = index + (3600 if index == 2 else 0)
        card.shoot(stops, mode=2, tags={"Exif.Photo.OffsetTimeOriginal": "+02:00" if index == 2 else "+01:00"})
    assert [len(files) for files in sets(find_brackets(card.folder))] == [3]
