import os
from pathlib import Path

import pytest

from deepfuse.bracket import Exposure, find_brackets
from deepfuse.errors import BracketError


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def test_exposure_value_of_the_sunny_16_rule() -> None:
    # f/16, 1/100 s, ISO 100: log2(256 · 100) = 14.64; a stop more ISO is a stop less.
    assert Exposure(1 / 100, 100, 16).ev == pytest.approx(14.644, abs=1e-3)
    assert Exposure(1 / 100, 200, 16).ev == pytest.approx(13.644, abs=1e-3)


def test_exposure_value_needs_a_time_alone() -> None:
    assert Exposure(1.0).ev == 0
    assert Exposure(None, 100, 8).ev is None
    assert Exposure(0.0, 100, 8).ev is None


def test_one_folder_is_one_scene(tmp_path: Path) -> None:
    touch(tmp_path, "b/1.dng", "b/2.DNG", "a/x.jpg", "a/y.jpg", "trip/day/1.nef", "trip/day/2.nef", "notes.txt")
    found = find_brackets(tmp_path)
    assert [bracket.scene for bracket in found] == ["a", "b", "trip__day"]
    assert [path.name for path in found[1].files] == ["1.dng", "2.DNG"]


def test_radiance_maps_are_scenes_unless_photos_stand_beside_them(tmp_path: Path) -> None:
    touch(tmp_path, "hdr/church.hdr", "hdr/park.hdr", "raw/1.dng", "raw/2.dng", "raw/truth.hdr")
    assert [bracket.scene for bracket in find_brackets(tmp_path)] == ["hdr__church", "hdr__park", "raw"]


def test_hidden_files_are_passed_over(tmp_path: Path) -> None:
    touch(tmp_path, "a/1.jpg", "a/2.jpg", "a/._1.jpg", ".trash/1.jpg")
    assert [len(bracket.files) for bracket in find_brackets(tmp_path)] == [2]


def test_photos_in_the_source_itself_are_a_scene_named_after_it(tmp_path: Path) -> None:
    touch(tmp_path / "holiday", "1.jpg", "2.jpg")
    assert find_brackets(tmp_path / "holiday")[0].scene == "holiday"


def test_links_are_followed_and_loops_are_not(tmp_path: Path) -> None:
    touch(tmp_path / "far", "1.jpg", "2.jpg")
    source = tmp_path / "source"
    touch(source, "a/1.jpg", "a/2.jpg")
    (source / "linked").symlink_to(tmp_path / "far")
    (source / "a/loop").symlink_to(source)
    assert [bracket.scene for bracket in find_brackets(source)] == ["a", "linked"]


def test_a_broken_link_stays_a_frame_so_that_its_scene_fails(tmp_path: Path) -> None:
    touch(tmp_path, "a/1.jpg", "a/2.jpg")
    (tmp_path / "a/3.jpg").symlink_to(tmp_path / "gone.jpg")
    assert len(find_brackets(tmp_path)[0].files) == 3


def test_any_path_gives_an_id_that_a_folder_can_have(tmp_path: Path) -> None:
    touch(tmp_path, f"{'é' * 90}/{'ö' * 90}/1.jpg", f"{'é' * 90}/{'ü' * 90}/1.jpg")
    (tmp_path / os.fsdecode(b"caf\xe9")).mkdir()
    (tmp_path / os.fsdecode(b"caf\xe9") / "1.jpg").touch()
    ids = [bracket.scene for bracket in find_brackets(tmp_path)]
    assert len(set(ids)) == 3
    for scene in ids:
        (tmp_path / "ids" / scene).mkdir(parents=True)


def test_nothing_to_find_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BracketError, match="no photo"):
        find_brackets(tmp_path)
    with pytest.raises(BracketError, match="got nothing"):
        find_brackets(tmp_path / "absent")


def test_two_folders_with_one_id_are_refused(tmp_path: Path) -> None:
    touch(tmp_path, "a/b/1.jpg", "a__b/1.jpg")
    with pytest.raises(BracketError, match="a__b"):
        find_brackets(tmp_path)
