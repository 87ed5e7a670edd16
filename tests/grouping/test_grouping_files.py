"""Files of other kinds than plain JPEG, damaged ones and odd ones, as grouping meets them."""

from __future__ import annotations

from pathlib import Path

import exiv2
import numpy as np
import pillow_heif
import pytest
from PIL import Image
from support.photographs import Card

from deepfuse.grouping import find_brackets, similarity
from deepfuse.grouping.similarity import Album
from deepfuse.photo import Limits
from deepfuse.photo.preview import Preview, read_preview


def to_heic(path: Path, brand: bytes, suffix: str) -> None:
    """The photo as HEIC of a brand, with its EXIF, instead of itself."""
    with Image.open(path) as image:
        heic = path.with_suffix(suffix)
        pillow_heif.from_pillow(image).save(heic, exif=image.info["exif"], quality=90)
    data = heic.read_bytes()
    heic.write_bytes(data[:8] + brand + data[12:])
    path.unlink()


@pytest.mark.parametrize(("brand", "suffix"), [(b"heic", ".HEIC"), (b"heix", ".hif"), (b"mif1", ".heif")])
def test_heic_files_are_grouped_by_their_exif(tmp_path: Path, brand: bytes, suffix: str) -> None:
    card = Card(tmp_path / "card", make="Panasonic")
    for scene in range(2):
        card.bracket(0, -2, 2, scene=scene, tags={"Exif.Panasonic.BurstMode": exiv2.UShortValue([2])})
        card.clock_s += 60
    for path in list(card.folder.iterdir()):
        to_heic(path, brand, suffix)
    found = find_brackets(card.folder)
    assert [(group.evidence, len(group.bracket.files)) for group in found.groups] == [("maker", 3)] * 2
    middle, darker, brighter = found.groups[0].evs
    assert (darker, brighter) == (pytest.approx(middle + 2, abs=0.01), pytest.approx(middle - 2, abs=0.01))


def with_thumbnail(card: Card, *, changed_s: float, size: tuple[int, int]) -> Path:
    """A photo with a red thumbnail, last changed so long after it was taken."""
    path = card.folder / card.shoot()
    Image.new("RGB", size, "red").save(card.folder / "thumbnail", "JPEG")
    image = exiv2.ImageFactory.open(str(path))
    image.readMetadata()
    data = image.exifData()
    date = data["Exif.Photo.DateTimeOriginal"].toString()
    data["Exif.Image.DateTime"] = date if not changed_s else f"{date[:-2]}59"
    exiv2.ExifThumb(data).setJpegThumbnail((card.folder / "thumbnail").read_bytes())
    image.setExifData(data)
    image.writeMetadata()
    return path


@pytest.mark.parametrize(
    ("changed_s", "size", "used"), [(0, (48, 32), True), (9, (48, 32), False), (0, (48, 36), False)]
)
def test_only_the_cameras_own_thumbnail_is_looked_at(
    tmp_path: Path, changed_s: float, size: tuple[int, int], used: bool
) -> None:
    preview = read_preview(with_thumbnail(Card(tmp_path), changed_s=changed_s, size=size), 96)
    assert preview.shape == (64, 96, 3)
    assert bool(np.allclose(preview, (1, 0, 0), atol=0.02)) is used


def test_the_picture_itself_is_looked_at_where_the_thumbnail_is_damaged(tmp_path: Path) -> None:
    path = with_thumbnail(Card(tmp_path), changed_s=0, size=(48, 32))
    data = path.read_bytes()
    path.write_bytes(data.replace((tmp_path / "thumbnail").read_bytes()[:200], b"\0" * 200))
    assert not np.allclose(read_preview(path, 96), (1, 0, 0), atol=0.02)


@pytest.mark.parametrize("exif", [True, False])
def test_a_cut_photo_among_whole_ones_is_named_and_makes_the_set_doubtful(tmp_path: Path, exif: bool) -> None:
    card = Card(tmp_path / "card")
    card.bracket(-2, 0, 2, exif=exif)
    cut = card.folder / "IMG_0002.jpg"
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
    (group,) = find_brackets(tmp_path).groups
    assert [file.name for file in group.bracket.files] == ["IMG_0001.jpg", "IMG_0003.jpg"]
    assert [(one.file, "truncated" in one.why) for one in group.unreadable] == [(cut, True)]


def test_the_users_count_is_not_shifted_by_a_cut_photo(tmp_path: Path) -> None:
    card = Card(tmp_path / "card")
    card.bracket(-2, 2, exif=False)
    card.bracket(-2, 2, exif=False, scene=1)
    cut = card.folder / "IMG_0001.jpg"
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
    sets = [[file.name[7] for file in group.bracket.files] for group in find_brackets(tmp_path, frames=2).groups]
    assert sets == [["1", "2"], ["3", "4"]]


def test_a_photo_unlike_the_others_of_its_folder_is_left_out_and_says_what_differs(tmp_path: Path) -> None:
    card = Card(tmp_path / "card", serial="1")
    card.bracket(-2, 0, 2)
    card.serial = "2"
    card.shoot()
    found = find_brackets(tmp_path)
    assert [len(group.bracket.files) for group in found.groups] == [3]
    assert [(one.cause, one.why) for one in found.left_out] == [
        ("odd", "expected frames of one camera, Maker Model 1 like IMG_0001.jpg, got Maker Model 2")
    ]


def test_sixteen_exposures_are_too_many(tmp_path: Path) -> None:
    Card(tmp_path / "card").bracket(*(stops / 2 for stops in range(-8, 8)))
    found = find_brackets(tmp_path)
    assert not found.groups
    assert "expected at most 15 exposures, got 16 (IMG_0001.jpg, " in found.refused[0].why


def test_a_row_longer_than_the_descriptors_kept_is_decoded_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[Path] = []

    def read_and_note(path: Path, side_px: int) -> Preview:
        decoded.append(path)
        return read_preview(path, side_px)

    monkeypatch.setattr(similarity, "NEAR", 1)
    card = Card(tmp_path)
    files = [card.folder / card.shoot(stops) for stops in (-2, 0, 2)]
    album = Album(read_and_note)
    for _ in range(2):
        assert [album.level(file) is not None for file in files] == [True] * 3
        assert album.same(files[0], files[1])
    assert decoded == files


def test_the_callers_limits_count(tmp_path: Path) -> None:
    Card(tmp_path / "card").bracket(-2, 0, 2)
    found = find_brackets(tmp_path, limits=Limits(megapixels=0.001))
    assert "expected at most 0.001 megapixels, got 96×64" in found.refused[0].why
