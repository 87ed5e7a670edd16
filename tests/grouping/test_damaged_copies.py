"""A damaged copy of a photo in another format, and files that hold no photo: neither costs the set beside it."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from pathlib import Path

import exiv2
import numpy as np
import pillow_heif
import pytest
from PIL import Image
from support.photographs import Card, write_tags
from support.pictures import expose, textured_radiance

from deepfuse.grouping import find_brackets
from deepfuse.photo import write_photo
from deepfuse.photo.capture import read_capture
from deepfuse.simulation.camera import CAMERAS, simulate_bracket

Damage = Callable[[bytes], bytes]
JPEGS = ["IMG_0001.jpg", "IMG_0002.jpg", "IMG_0003.jpg"]


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def cut_early(data: bytes) -> bytes:
    return data[:300]


def emptied(_: bytes) -> bytes:
    return b""


def zeroed(data: bytes) -> bytes:
    return bytes(len(data))


def without_exif(data: bytes) -> bytes:
    """A DNG whose EXIF directory leads out of the file."""
    at = data.index(struct.pack("<HHI", 34665, 4, 1)) + 8
    return data[:at] + struct.pack("<I", len(data) + 1000) + data[at + 4 :]


def also_as(path: Path, suffix: str) -> Path:
    with Image.open(path) as image:
        if suffix == ".HEIC":
            pillow_heif.from_pillow(image).save(path.with_suffix(suffix), exif=image.info["exif"], quality=90)
        else:
            image.save(path.with_suffix(suffix), exif=image.getexif())
    return path.with_suffix(suffix)


@pytest.mark.parametrize(
    ("suffix", "mode", "damage"),
    [
        (".HEIC", 0, cut),
        (".HEIC", 2, cut_early),
        (".tif", 2, cut),
        (".tif", 0, zeroed),
        (".png", 0, emptied),
        (".png", 2, cut),
    ],
)
def test_a_set_that_is_whole_in_one_format_is_taken_in_that(
    tmp_path: Path, suffix: str, mode: int, damage: Damage
) -> None:
    card = Card(tmp_path / "card")
    for name in sorted(card.bracket(-2, 0, 2, mode=mode)):
        also_as(card.folder / name, suffix)
    bad = card.folder / f"IMG_0002{suffix}"
    bad.write_bytes(damage(bad.read_bytes()))
    found = find_brackets(tmp_path)
    (group,) = found.groups
    assert [file.name for file in group.bracket.files] == JPEGS
    assert (group.unreadable, group.strays, group.warnings) == ((), (), ())
    said = {one.file.name: (one.cause, one.why.partition(": ")) for one in found.left_out}
    cause, (what, _, why) = said.pop(bad.name)
    assert (cause, what) == ("copy", "a damaged copy of IMG_0002.jpg")
    assert "expected" in why or "cannot be decoded" in why
    assert str(tmp_path) not in why
    assert [cause for cause, _ in said.values()] == ["twin", "twin"]


def raw_and_jpeg(folder: Path, suffix: str, *, mode: int) -> list[Path]:
    """A bracket of RAW files with their JPEGs, which tell the same exposures."""
    folder.mkdir(parents=True)
    raws = simulate_bracket(textured_radiance(64, 96), folder, camera=CAMERAS[0], stops=(-2, 0, 2), seed=1)
    for path, stops in zip(raws, (-2, 0, 2), strict=True):
        exposure = read_capture(path).exposure
        write_photo(path.with_suffix(".jpg"), (expose(textured_radiance(64, 96), stops) >> 8).astype(np.uint8))
        tags = {
            "Exif.Photo.ExposureTime": f"{round((exposure.time_s or 0) * 1e6)}/1000000",
            "Exif.Photo.FNumber": f"{round((exposure.f_number or 0) * 10)}/10",
            "Exif.Photo.ISOSpeedRatings": exiv2.UShortValue([round(exposure.iso or 0)]),
            "Exif.Photo.ExposureMode": exiv2.UShortValue([mode]),
        }
        write_tags(path.with_suffix(".jpg"), tags)
    return [path.rename(path.with_suffix(suffix)) for path in raws]


@pytest.mark.parametrize(
    ("suffix", "mode", "damage"), [(".dng", 0, without_exif), (".NEF", 2, cut), (".NEF", 0, emptied)]
)
def test_a_damaged_raw_leaves_the_set_to_the_jpegs(tmp_path: Path, suffix: str, mode: int, damage: Damage) -> None:
    raws = raw_and_jpeg(tmp_path / "scene", suffix, mode=mode)
    raws[1].write_bytes(damage(raws[1].read_bytes()))
    found = find_brackets(tmp_path)
    (group,) = found.groups
    assert [file.name for file in group.bracket.files] == [raw.with_suffix(".jpg").name for raw in raws]
    assert not group.unreadable
    assert [one.file for one in found.left_out if one.damaged] == [raws[1]]


def test_a_damaged_raw_whose_jpeg_is_there_of_that_shot_alone_is_a_frame_of_the_set(tmp_path: Path) -> None:
    raws = raw_and_jpeg(tmp_path / "scene", ".NEF", mode=2)
    for index in (0, 2):
        raws[index].with_suffix(".jpg").unlink()
    raws[1].write_bytes(cut(raws[1].read_bytes()))
    (group,) = find_brackets(tmp_path).groups
    assert [one.file for one in group.unreadable] == [raws[1]]


def test_a_twin_whose_exif_is_lost_does_not_tear_the_set(tmp_path: Path) -> None:
    card = Card(tmp_path / "card")
    names = sorted(card.bracket(-2, 0, 2, mode=2, scene=1))
    card.clock_s += 60
    names += sorted(card.bracket(-2, 0, 2, mode=2, scene=2))
    for name in names:
        also_as(card.folder / name, ".tif")
    with Image.open(card.folder / "IMG_0002.jpg") as image:
        image.save(card.folder / "IMG_0002.tif", exif=Image.Exif())
    found = find_brackets(tmp_path)
    assert [[file.name for file in group.bracket.files] for group in found.groups] == [
        JPEGS,
        ["IMG_0004.tif", "IMG_0005.tif", "IMG_0006.tif"],
    ]
    (why,) = (one.why for one in found.left_out if one.file.name == "IMG_0002.tif")
    assert why == "the same photo as IMG_0002.jpg, which is taken; it does not say when or how it was taken"


def test_a_copy_of_a_photo_that_the_sets_do_not_want_costs_none(tmp_path: Path) -> None:
    card = Card(tmp_path / "card")
    names = [*sorted(card.bracket(-2, 0, 2, mode=2)), card.shoot(scene=7)]
    for name in names:
        also_as(card.folder / name, ".HEIC")
    bad = card.folder / "IMG_0004.HEIC"
    bad.write_bytes(cut(bad.read_bytes()))
    found = find_brackets(tmp_path)
    assert [file.suffix for file in found.groups[0].bracket.files] == [".HEIC"] * 3
    assert not found.groups[0].unreadable
    assert {one.file.name: one.cause for one in found.left_out if one.file.stem == "IMG_0004"} == {
        "IMG_0004.HEIC": "copy",
        "IMG_0004.jpg": "alone",
    }


def empty(path: Path) -> None:
    path.touch()


def garbage(path: Path) -> None:
    path.write_bytes(b"<html>not found</html>" * 20)


@pytest.mark.parametrize(
    ("make", "name", "stray"),
    [
        (empty, "Untitled.jpg", True),
        (empty, "IMG_0004.jpg", False),  # named as the frames are: one that was lost on the way
        (os.mkfifo, "Untitled.jpg", True),
        (os.mkfifo, "IMG_0004.jpg", True),
        (garbage, "Untitled.png", True),
        (garbage, "Untitled.NEF", True),
        (garbage, "IMG_0004.png", False),
    ],
)
def test_what_holds_no_photo_costs_no_set_unless_it_may_be_a_frame(
    tmp_path: Path, make: Callable[[Path], None], name: str, stray: bool
) -> None:
    card = Card(tmp_path / "card")
    card.bracket(-2, 0, 2, mode=2)
    make(card.folder / name)
    found = find_brackets(tmp_path)
    (group,) = found.groups
    assert [file.name for file in group.bracket.files] == JPEGS
    assert [one.file.name for one in group.strays] == [name] * stray
    assert [one.file.name for one in group.unreadable] == [name] * (not stray)
    assert [(one.file.name, one.cause) for one in found.left_out] == [(name, "no photo" if stray else "unreadable")]
    assert group.bracket.scene == "card"


@pytest.mark.parametrize(("make", "stray"), [(empty, True), (garbage, False)])
def test_where_names_do_not_tell_an_empty_file_is_doubtful_and_damage_a_frame(
    tmp_path: Path, make: Callable[[Path], None], stray: bool
) -> None:
    card = Card(tmp_path / "card")
    for name, stops in (("dark.jpg", -2), ("mid.jpg", 0)):
        card.shoot(stops, mode=2, name=name)
        card.clock_s += 0.5
    make(card.folder / "bright.jpg")
    (group,) = find_brackets(tmp_path).groups
    assert [len(group.strays), len(group.unreadable)] == [stray, not stray]
    assert ("bright.jpg holds no photo: a frame may be missing" in group.warnings) is stray


def test_a_photo_cut_short_is_a_frame_whatever_its_name(tmp_path: Path) -> None:
    card = Card(tmp_path / "card")
    card.bracket(-2, 0, 2, mode=2)
    bad = card.folder / "recovered.tif"
    also_as(card.folder / card.shoot(1, mode=2, name="more.jpg"), ".tif").rename(bad)
    (card.folder / "more.jpg").unlink()
    bad.write_bytes(cut(bad.read_bytes()))
    (group,) = find_brackets(tmp_path).groups
    assert [one.file for one in group.unreadable] == [bad]
