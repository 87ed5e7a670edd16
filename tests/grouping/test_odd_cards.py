"""Sets that exposure values alone do not tell: one exposure twice or throughout, times missing, series that go on."""

from __future__ import annotations

import pytest
from support.photographs import Card, write_tags

from deepfuse.grouping import Grouping, find_brackets


def sets(grouping: Grouping) -> list[list[str]]:
    return [[file.name for file in group.bracket.files] for group in grouping.groups]


def flash(card: Card, *stops: float, scene: int = 0, pause_s: float = 1, mode: int | None = 2) -> list[str]:
    """Photos of one exposure by EXIF, as bright as the stops say; from dark to bright."""
    names = []
    for level in stops:
        names.append(card.shoot(level, metered=-level, scene=scene, mode=mode))
        card.clock_s += pause_s
    return [name for _, name in sorted(zip(stops, names, strict=True))]


def test_flash_brackets_are_told_by_brightness(card: Card) -> None:
    truth = [flash(card, 0, -2, 2)]
    card.clock_s += 60
    truth.append(flash(card, 0, -2, 2, scene=1))
    card.clock_s += 60
    flash(card, 0, 0, 0, scene=2)  # a burst
    found = find_brackets(card.folder)
    assert sets(found) == truth
    assert [one.cause for one in found.left_out] == ["burst"] * 3
    assert "as with a flash" in found.groups[0].why


@pytest.mark.parametrize("count", [2, 3, 9])
def test_a_ring_that_the_camera_does_not_see_makes_a_bracket_in_a_folder_of_its_own(card: Card, count: int) -> None:
    names = flash(card, *(6 * index / (count - 1) - 3 for index in range(count)), pause_s=5, mode=1)
    found = find_brackets(card.folder.parent)
    assert sets(found) == [names]
    assert (found.groups[0].bracket.scene, found.groups[0].evidence) == ("card", "similarity")


def test_photos_of_one_exposure_and_brightness_are_a_burst_in_any_folder(card: Card) -> None:
    flash(card, 0, 0.05, 0.1, 0, mode=1)
    assert not find_brackets(card.folder.parent).groups


def test_ten_photos_of_one_exposure_are_no_bracket_by_their_folder(card: Card) -> None:
    flash(card, *(0.5 * index - 2 for index in range(10)), mode=1)
    assert not find_brackets(card.folder.parent).groups


def test_one_raw_developed_several_times_is_a_bracket_in_a_folder_of_its_own(card: Card) -> None:
    for name, stops in (("DSC_1234.jpg", -2), ("DSC_1234-2.jpg", 2), ("DSC_1234-3.jpg", 0)):
        card.shoot(stops, metered=-stops, name=name)
    found = find_brackets(card.folder.parent)
    assert sets(found) == [["DSC_1234.jpg", "DSC_1234-3.jpg", "DSC_1234-2.jpg"]]
    assert not found.left_out
    card.clock_s += 600
    card.shoot(scene=3)
    assert not find_brackets(card.folder.parent).groups, "among other photos they are versions of one"


@pytest.mark.parametrize("mode", [1, 2])
@pytest.mark.parametrize(
    "invalid",
    [{"Exif.Photo.DateTimeOriginal": "0000:00:00 00:00:00"}, {"Exif.Photo.ExposureTime": "0/0"}],
    ids=["no capture time", "no exposure time"],
)
def test_one_invalid_time_tears_no_set(card: Card, mode: int, invalid: dict[str, str]) -> None:
    truth = []
    for scene in (1, 2, 3):
        truth.append(card.bracket(-2, 0, 2, mode=mode, scene=scene))
        card.clock_s += 60
    write_tags(card.folder / "IMG_0005.jpg", invalid)
    found = find_brackets(card.folder)
    assert [set(names) for names in sets(found)] == truth
    assert not found.left_out


def test_a_frame_that_is_nearly_white_is_of_its_bracket(card: Card) -> None:
    truth = card.bracket(2, 4.5, 7, mode=1)
    found = find_brackets(card.folder.parent)
    assert [set(names) for names in sets(found)] == [truth]
    assert found.groups[0].evidence == "folder"


def test_frames_that_clip_get_brighter_by_less_than_their_exposures(card: Card) -> None:
    for stops, metered in ((1, -4), (1.8, -2.8), (2.2, -1.2)):  # exposures 2 stops apart, brightness half a stop
        card.shoot(stops, metered=metered)
        card.clock_s += 60
    found = find_brackets(card.folder.parent)
    assert [(group.evidence, len(group.bracket.files)) for group in found.groups] == [("folder", 3)]


def test_photos_that_cannot_be_decoded_are_no_bracket(card: Card) -> None:
    for name in card.bracket(-2, 0, 2, mode=1):
        path = card.folder / name
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    found = find_brackets(card.folder.parent)
    assert not found.groups
    assert [one.cause for one in found.left_out] == ["unreadable"] * 3


ODD_ORDER = (-1.3, -0.6, 0.6, 1, 1, 0, -2)


@pytest.mark.parametrize("mode", [0, 2])
@pytest.mark.parametrize("pause_s", [6, 60])
def test_a_set_with_one_exposure_twice_is_one_set_where_it_comes_again(card: Card, mode: int, pause_s: float) -> None:
    truth = []
    for scene in (1, 2, 2):
        truth.append(card.bracket(*ODD_ORDER, mode=mode, scene=scene))
        card.clock_s += pause_s
    found = find_brackets(card.folder)
    assert [set(names) for names in sets(found)] == truth
    assert all("one exposure" in group.warnings[0] for group in found.groups)


def test_a_set_with_one_exposure_twice_is_one_in_a_folder_of_its_own(card: Card) -> None:
    truth = card.bracket(*ODD_ORDER, mode=0)
    found = find_brackets(card.folder.parent)
    assert [(group.bracket.scene, len(group.bracket.files)) for group in found.groups] == [("card", len(truth))]


@pytest.mark.parametrize("compensation", [(-3, 3), (3, -3), (-2, 2)])
def test_two_automatic_brackets_that_go_on_are_one_in_a_folder_of_their_own(
    card: Card, compensation: tuple[float, float]
) -> None:
    for shift in compensation:
        card.bracket(shift, shift - 2, shift + 2, mode=2)
        card.clock_s += 4
    found = find_brackets(card.folder.parent)
    assert [(group.bracket.scene, len(group.bracket.files)) for group in found.groups] == [("card", 6)]
    assert bool(found.groups[0].warnings) == (compensation == (-2, 2)), "one exposure is there twice"


def test_two_automatic_brackets_stay_two_where_light_or_scene_changed(card: Card) -> None:
    def two(**second: float) -> list[int]:
        for file in card.folder.glob("*"):
            file.unlink()
        card.bracket(0, -2, 2, mode=2)
        card.clock_s += 4
        shift = second.get("shift", 0)
        scene, metered = int(second.get("scene", 0)), second.get("metered", 0)
        card.bracket(shift, shift - 2, shift + 2, mode=2, scene=scene, metered=metered)
        card.clock_s += 4
        return [len(group.bracket.files) for group in find_brackets(card.folder.parent).groups]

    assert two() == [3, 3]
    assert two(metered=1 / 3) == [3, 3]
    assert two(metered=6) == [3, 3]  # darker by six stops, and exposed for that
    assert two(shift=6, scene=4) == [3, 3]
    assert two(shift=6) == [6]
