"""One photo in several files: in any two formats, copied whole or damaged, edited."""

from __future__ import annotations

from pathlib import Path

import pillow_heif
import pytest
from PIL import Image
from support.photographs import Card
from support.pictures import textured_radiance

from deepfuse.grouping import Grouping, find_brackets
from deepfuse.grouping.formats import Prefer
from deepfuse.simulation.camera import CAMERAS, simulate_bracket


def also_as(path: Path, suffix: str) -> None:
    """The photo in another format besides, with its EXIF."""
    with Image.open(path) as image:
        if suffix == ".HEIC":
            pillow_heif.from_pillow(image).save(path.with_suffix(suffix), exif=image.info["exif"], quality=90)
        else:
            image.save(path.with_suffix(suffix), exif=image.getexif())


def two_sets(folder: Path, mode: int, suffixes: list[str]) -> Card:
    """Two brackets of three, each photo as JPEG and in these formats besides."""
    card = Card(folder)
    for scene in (1, 2):
        for name in card.bracket(-2, 0, 2, mode=mode, scene=scene):
            for suffix in suffixes:
                also_as(card.folder / name, suffix)
        card.clock_s += 60
    return card


def taken(grouping: Grouping) -> list[list[str]]:
    return [sorted(file.name for file in group.bracket.files) for group in grouping.groups]


def causes(grouping: Grouping) -> list[str]:
    return [one.cause for one in grouping.left_out]


@pytest.mark.parametrize("mode", [0, 2])
@pytest.mark.parametrize(
    ("suffixes", "prefer", "wins"),
    [
        ([".HEIC"], "raw", ".HEIC"),
        ([".HEIC"], "jpeg", ".jpg"),
        ([".tif"], "raw", ".tif"),
        ([".tif"], "jpeg", ".jpg"),
        ([".png"], "raw", ".png"),
        ([".HEIC", ".tif"], "raw", ".HEIC"),  # a TIFF of 8 bits goes behind
        ([".HEIC", ".tif"], "tiff", ".tif"),
        ([".HEIC", ".tif"], "png", ".HEIC"),  # not there
        ([".tif"], "jpg", ".jpg"),
        ([".tif", ".webp"], "webp", ".webp"),
    ],
)
def test_photos_in_several_formats_are_taken_once(
    tmp_path: Path, mode: int, suffixes: list[str], prefer: Prefer, wins: str
) -> None:
    two_sets(tmp_path / "card", mode, suffixes)
    found = find_brackets(tmp_path, prefer=prefer)
    assert taken(found) == [[f"IMG_000{n}{wins}" for n in numbers] for numbers in ((1, 2, 3), (4, 5, 6))]
    assert causes(found) == ["twin"] * 6 * len(suffixes)
    assert all(one.why.endswith(f"{one.file.stem}{wins}, which is taken") for one in found.left_out)


@pytest.mark.parametrize(("prefer", "wins"), [("raw", ".NEF"), ("dng", ".dng"), ("heic", ".NEF"), ("jpeg", ".jpg")])
def test_of_raw_its_dng_and_a_jpeg_one_is_taken(tmp_path: Path, prefer: Prefer, wins: str) -> None:
    folder = tmp_path / "scene"
    folder.mkdir()
    for path in simulate_bracket(textured_radiance(64, 96), folder, camera=CAMERAS[0], stops=(-2, 0, 2), seed=1):
        path.with_suffix(".NEF").write_bytes(path.read_bytes() + b"\0")
        Image.new("RGB", (96, 64), (90, 80, 70 + len(list(folder.iterdir())))).save(path.with_suffix(".jpg"))
    found = find_brackets(tmp_path, prefer=prefer)
    if prefer != "jpeg":
        assert [{file.suffix for file in group.bracket.files} for group in found.groups] == [{wins}]
        assert found.groups[0].bracket.scene == "scene"
    assert causes(found).count("twin") == 6


def test_a_few_exports_beside_a_set_do_not_tear_it(tmp_path: Path) -> None:
    card = two_sets(tmp_path / "card", 2, [])
    for name in ("IMG_0001.jpg", "IMG_0004.jpg", "IMG_0005.jpg"):
        also_as(card.folder / name, ".tif")
    found = find_brackets(tmp_path)
    assert taken(found) == [[f"IMG_000{n}.jpg" for n in numbers] for numbers in ((1, 2, 3), (4, 5, 6))]
    assert causes(found) == ["twin"] * 3


def test_one_name_is_no_evidence_against_time_and_exposure(tmp_path: Path) -> None:
    card = Card(tmp_path / "card")
    card.bracket(-2, 0, 2, mode=2)
    card.clock_s += 300
    other = card.folder / card.shoot(1, scene=5, name="other.jpg")
    also_as(other, ".png")
    other.unlink()
    other.with_suffix(".png").rename(card.folder / "IMG_0002.png")
    found = find_brackets(tmp_path)
    assert taken(found) == [["IMG_0001.jpg", "IMG_0002.jpg", "IMG_0003.jpg"]]
    assert causes(found) == ["alone"]


def test_without_exif_the_pictures_tell_whether_one_name_is_one_photo(tmp_path: Path) -> None:
    card = Card(tmp_path / "card")
    for name, stops in (("1.jpg", -2), ("2.jpg", 0), ("3.jpg", 2)):
        card.shoot(stops, exif=False, name=name)
    with Image.open(card.folder / "1.jpg") as dark:
        dark.save(card.folder / "3.png")
    assert taken(find_brackets(tmp_path)) == [["1.jpg", "2.jpg", "3.jpg", "3.png"]]
    with Image.open(card.folder / "3.jpg") as bright:
        bright.save(card.folder / "3.png")
    found = find_brackets(tmp_path)
    assert taken(found) == [["1.jpg", "2.jpg", "3.jpg"]]
    assert causes(found) == ["twin"]


def halved(data: bytes) -> bytes:
    return data[: len(data) // 2]


def emptied(data: bytes) -> bytes:
    return data[: len(data) // 2] + bytes(len(data) - len(data) // 2)


@pytest.mark.parametrize("damage", [halved, emptied], ids=["cut", "filled with zeros"])
@pytest.mark.parametrize("name", ["IMG_0002 (1).jpg", "recovered.jpg", "A.jpg"])
@pytest.mark.parametrize("mode", [0, 2])
def test_a_damaged_copy_does_not_tear_its_set(tmp_path: Path, damage: object, name: str, mode: int) -> None:
    card = Card(tmp_path / "card")
    truth = sorted(card.bracket(-2, 0, 2, mode=mode))
    assert callable(damage)
    (card.folder / name).write_bytes(damage((card.folder / truth[1]).read_bytes()))
    found = find_brackets(tmp_path)
    assert taken(found) == [truth]
    assert not found.groups[0].unreadable, "it is fused as if the copy were not there"
    assert [(one.cause, "a damaged copy of IMG_0002.jpg" in one.why) for one in found.left_out] == [("copy", True)]


def test_photos_of_a_burst_are_no_copies(tmp_path: Path) -> None:
    card = Card(tmp_path / "card")
    for _ in range(4):
        card.shoot()  # the clock stands still
    assert causes(find_brackets(tmp_path)) == ["burst"] * 4


@pytest.mark.parametrize("name", ["①1.jpg", "²1.jpg", "٣.jpg", "½½.jpg"])
def test_digits_that_are_no_decimals_are_letters(tmp_path: Path, name: str) -> None:
    card = Card(tmp_path / "card")
    card.bracket(-2, 0, mode=2)
    card.shoot(2, mode=2, name=name)
    assert [len(files) for files in taken(find_brackets(tmp_path))] == [3]


def test_a_sensitivity_beyond_16_bits_is_read_where_it_fits(tmp_path: Path) -> None:
    card = Card(tmp_path / "card")
    for level, iso in enumerate((51_200, 102_400, 204_800)):
        told = {"Exif.Photo.ISOSpeedRatings": str(min(iso, 65_535)), "Exif.Photo.RecommendedExposureIndex": str(iso)}
        card.shoot(level, metered=-level, tags=told, mode=2)
        card.clock_s += 0.5
    (group,) = find_brackets(tmp_path).groups
    first, second, third = (ev or 0.0 for ev in group.evs)
    assert (first - second, second - third) == (pytest.approx(1, abs=0.01), pytest.approx(1, abs=0.01))
