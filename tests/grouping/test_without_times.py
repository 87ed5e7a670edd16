"""Copies, twins, photos without EXIF or times, and the user's count: every bracket exact."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support.photographs import Card, causes, sets
from support.pictures import expose, textured_radiance

from deepfuse.bracket import RAW_SUFFIXES
from deepfuse.errors import BracketError
from deepfuse.grouping import find_brackets
from deepfuse.photo import write_photo
from deepfuse.simulation.camera import CAMERAS, simulate_bracket


def test_copies_versions_and_damaged_files_are_left_out(card: Card) -> None:
    truth = card.bracket(-2, 0, 2, mode=2)
    shutil.copy(card.folder / "IMG_0002.jpg", card.folder / "IMG_0002 (1).jpg")
    card.clock_s = 0.5  # that of IMG_0002
    card.shoot(0, name="IMG_0002-edit.jpg", mode=2, scene=5)
    (card.folder / "IMG_0002-edit.jpg").touch()
    (card.folder / "IMG_0001b.jpg").write_bytes(b"")
    (card.folder / "IMG_0001c.jpg").write_text("no picture")
    for ignored in ("._IMG_0001.jpg", ".DS_Store", "IMG_0001.xmp", "notes.txt"):
        (card.folder / ignored).write_text("no photo")
    found = find_brackets(card.folder.parent)
    assert sets(found) == [truth]
    assert causes(found) == {
        "IMG_0002 (1).jpg": "copy",
        "IMG_0002-edit.jpg": "copy",
        "IMG_0001b.jpg": "no photo",
        "IMG_0001c.jpg": "no photo",
    }
    assert found.groups[0].bracket.scene == "card"
    assert not found.groups[0].unreadable, "their names go on where the frames' end: they are none"
    assert {one.file.name for one in found.groups[0].strays} == {"IMG_0001b.jpg", "IMG_0001c.jpg"}


def test_of_raw_and_jpeg_the_preferred_one_is_taken(tmp_path: Path) -> None:
    folder = tmp_path / "scene"
    folder.mkdir()
    raw = simulate_bracket(textured_radiance(64, 96), folder, camera=CAMERAS[0], stops=(-2, 0, 2), seed=1)
    for path, stops in zip(raw, (-2, 0, 2), strict=True):
        write_photo(path.with_suffix(".jpg"), expose(textured_radiance(64, 96), stops))
    for prefer in ("raw", "jpeg"):
        found = find_brackets(tmp_path, prefer=prefer)
        assert [group.bracket.scene for group in found.groups] == ["scene"]
        assert {file.suffix in RAW_SUFFIXES for file in found.groups[0].bracket.files} == {prefer == "raw"}
        assert list(causes(found).values()) == ["twin"] * 3


def test_a_folder_without_exif_is_one_bracket_from_dark_to_bright(card: Card) -> None:
    card.bracket(0, -2, 2, exif=False)
    found = find_brackets(card.folder.parent)
    assert [file.name for file in found.groups[0].bracket.files] == ["IMG_0002.jpg", "IMG_0001.jpg", "IMG_0003.jpg"]
    assert found.groups[0].bracket.scene == "card"
    assert found.groups[0].evs == (None, None, None)
    assert "unknown" in found.groups[0].why


def test_scenes_without_exif_are_parted_by_similarity_and_by_brightness(card: Card) -> None:
    truth = [card.bracket(-2, 0, 2, exif=False, scene=scene) for scene in (1, 2, 2, 3)]
    card.shoot(0, exif=False, scene=9)
    found = find_brackets(card.folder)
    assert sets(found) == truth
    assert list(causes(found)) == ["IMG_0013.jpg"]


def test_a_folder_a_scene_is_evidence_though_times_are_missing_and_steps_are_small(card: Card) -> None:
    card.bracket(0, 0.4, 0.9, 1.2, timed=False)
    found = find_brackets(card.folder.parent)
    assert [(group.bracket.scene, group.evidence) for group in found.groups] == [("card", "folder")]


def test_two_scenes_in_one_folder_are_two_brackets(card: Card) -> None:
    truth = [card.bracket(-2, 0, 2, timed=False, scene=1), card.bracket(-1.6, 0.4, 2.4, timed=False, scene=2)]
    assert sets(find_brackets(card.folder.parent)) == truth


def test_the_users_count_wins_and_objections_are_said(card: Card) -> None:
    card.bracket(0, 0, -2, 2, 1, mode=0)
    found = find_brackets(card.folder, frames=2)
    assert [len(files) for files in sets(found)] == [2, 2]
    assert found.groups[0].evidence == "frames"
    assert "one exposure" in found.groups[0].warnings[0]
    assert found.groups[1].warnings == ()
    assert len(found.left_out) == 1
    with pytest.raises(BracketError, match="2 or more"):
        find_brackets(card.folder, frames=1)
