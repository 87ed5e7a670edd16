"""Where photos lie: links, names, radiance maps, and folders that hold no bracket."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.photographs import Card, scene_radiance

from deepfuse.errors import BracketError
from deepfuse.grouping import find_brackets
from deepfuse.photo import Limits
from deepfuse.simulation.camera import write_radiance


def test_links_are_followed_and_loops_are_not(tmp_path: Path) -> None:
    Card(tmp_path / "far").bracket(-2, 0, 2, mode=2)
    source = tmp_path / "source"
    Card(source / "a").bracket(-2, 0, 2, mode=2)
    (source / "linked").symlink_to(tmp_path / "far")
    (source / "a/loop").symlink_to(source)
    (source / "a/gone.jpg").symlink_to(tmp_path / "nothing.jpg")
    found = find_brackets(source)
    assert [group.bracket.scene for group in found.groups] == ["a", "linked"]
    assert [(one.file.name, one.cause) for one in found.left_out] == [("gone.jpg", "unreadable")]


def test_links_in_what_dvc_tracks_are_refused_by_their_names(tmp_path: Path) -> None:
    far, source = Card(tmp_path / "far"), tmp_path / "disk"
    far.bracket(-2, 0, 2, mode=2)
    Card(source / "a").bracket(-2, 0, 2, mode=2)
    Card(source / "b").bracket(-2, 0, 2, mode=2)
    (source / "linked").symlink_to(far.folder)
    (source / ".hidden").symlink_to(far.folder)
    (source / "b/IMG_0002.jpg").unlink()
    (source / "b/IMG_0002.jpg").symlink_to(far.folder / "IMG_0002.jpg")
    (tmp_path / "raw").symlink_to(source)
    limits = Limits.of_data(megapixels=250, file_gb=2, frames=15)
    found = find_brackets(tmp_path / "raw", limits=limits)
    whole, torn = found.groups
    assert (whole.bracket.scene, whole.unreadable) == ("a", ())
    assert [one.why for one in torn.unreadable] == [f"{tmp_path}/raw/b/IMG_0002.jpg: expected a file, got a link"]
    assert [(one.scene, one.why) for one in found.refused] == [
        ("linked", f"{tmp_path}/raw/linked: expected a folder, got a link")
    ]


def test_radiance_maps_are_scenes_unless_photos_stand_beside_them(tmp_path: Path) -> None:
    for name in ("hdr/church", "hdr/park", "raw/truth", "top"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write_radiance(tmp_path / f"{name}.hdr", scene_radiance(1))
    Card(tmp_path / "raw").bracket(-2, 0, 2, mode=2)
    found = find_brackets(tmp_path)
    assert [group.bracket.scene for group in found.groups] == ["hdr__church", "hdr__park", "raw", "top"]


def test_any_path_gives_an_id_that_a_folder_can_have(tmp_path: Path) -> None:
    for name in (f"{'é' * 90}/{'ö' * 90}", f"{'é' * 90}/{'ü' * 90}", os.fsdecode(b"caf\xe9")):
        folder = tmp_path / "plain"
        Card(folder).bracket(-2, 0, 2, mode=2)
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        folder.rename(tmp_path / name)
    ids = [group.bracket.scene for group in find_brackets(tmp_path).groups]
    assert len(set(ids)) == 3
    for scene in ids:
        (tmp_path / "ids" / scene).mkdir(parents=True)


def test_photos_in_the_source_itself_are_a_scene_named_after_it(tmp_path: Path) -> None:
    Card(tmp_path / "holiday").bracket(-2, 0, 2, mode=2)
    assert find_brackets(tmp_path / "holiday").groups[0].bracket.scene == "holiday"


def test_nothing_to_find_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BracketError, match="no photo"):
        find_brackets(tmp_path)
    with pytest.raises(BracketError, match="got nothing"):
        find_brackets(tmp_path / "absent")


def test_two_folders_with_one_id_are_refused(tmp_path: Path) -> None:
    for folder in ("a/b", "a__b"):
        Card(tmp_path / folder).bracket(-2, 0, 2, mode=2)
    with pytest.raises(BracketError, match="a__b"):
        find_brackets(tmp_path)


def test_a_single_photo_is_a_refused_folder(tmp_path: Path) -> None:
    Card(tmp_path / "single").shoot()
    found = find_brackets(tmp_path)
    assert found.refused[0].scene == "single"
    assert "expected 2 or more exposures, got 1" in found.refused[0].why
