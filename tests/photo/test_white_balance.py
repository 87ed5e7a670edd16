"""RAW: one white balance and one white level for a bracket, whatever the order of its files."""

from __future__ import annotations

import struct
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from support.pictures import textured_radiance
from support.reference_photo import decode

from deepfuse.bracket import Exposure
from deepfuse.errors import PhotoError
from deepfuse.metadata.directories import entry_of_numbers
from deepfuse.photo import Rendering, read_bracket, read_photo, read_photos, write_photo
from deepfuse.photo.balance import balance_choice, white_point
from deepfuse.photo.opening import open_photo
from deepfuse.simulation.camera import CAMERAS, expose, write_dng

STOPS = (-3, 0, 3)
CAMERA = CAMERAS[3]


def shots(
    folder: Path, *, ends_at: float = 1.0, stops: tuple[int, ...] = STOPS, light: tuple[float, ...] | None = None
) -> list[Path]:
    """A bracket whose sensor ends at a share of the white level that the files tell; things are grey under a light."""
    paths = []
    radiance = textured_radiance(64, 96)
    if light:
        grey = textured_radiance(16, 24).mean(axis=2).repeat(4, axis=0).repeat(4, axis=1)  # alike on all filters
        radiance = grey[..., None] * np.float32(light)
    for stop in stops:
        mosaic = expose(radiance, camera=CAMERA, stops=stop, rng=np.random.default_rng(stop + 9))
        paths.append(folder / f"{stop}.dng")
        end = int(CAMERA.white_level * ends_at)
        write_dng(
            paths[-1], np.minimum(mosaic, end).astype(np.uint16), camera=CAMERA,
            exposure=Exposure(2.0**stop / 60, 100, 5.6),
        )  # fmt: skip
    return paths


def developed(paths: list[Path], choice: str | int = "as-shot") -> list[NDArray[np.uint16]]:
    wanted = Rendering(white_balance=choice)  # type: ignore[arg-type]
    return [picture.pixels for picture in read_bracket(paths, rendering=wanted)]


@pytest.mark.parametrize("choice", ["as-shot", "daylight", "auto", 3200])
def test_the_order_of_the_files_changes_nothing(tmp_path: Path, choice: str | int) -> None:
    mosaic = np.random.default_rng(6).integers(600, 9000, (64, 64)).astype(np.uint16)
    paths = []
    for index, camera in enumerate((CAMERAS[0], CAMERAS[3], CAMERAS[1])):
        other = replace(CAMERA, xyz_to_camera=camera.xyz_to_camera)
        paths.append(tmp_path / f"{index}.dng")
        write_dng(paths[-1], mosaic, camera=other, exposure=Exposure(4.0**index / 60, 100, 8))
    expected = dict(zip(paths, developed(paths, choice), strict=True))
    for order in permutations(paths):
        for path, pixels in zip(order, developed(list(order), choice), strict=True):
            assert (pixels == expected[path]).all()
    if choice == "as-shot":
        with open_photo(paths[1]) as photo:
            balance = photo.white_balance("as-shot")
        assert (expected[paths[0]] == read_photo(paths[0], white_balance=balance)).all(), "the middle exposure's"
        assert (expected[paths[0]] != read_photo(paths[0])).any()


@pytest.mark.parametrize("ends_at", [0.85, 0.9, 0.97])
def test_what_saturates_below_the_white_level_is_neutral(tmp_path: Path, ends_at: float) -> None:
    paths = shots(tmp_path, ends_at=ends_at)
    bright = read_photos(paths)[-1]
    saturated = bright.min(axis=2) >= 65535 * 0.995
    assert saturated.mean() > 0.05, "white stays white"
    alone = read_photo(paths[-1])
    assert np.ptp(alone[saturated].mean(axis=0)) > 65535 * 0.01, "it is not, by the file's own white level"


def test_the_white_level_is_one_for_all_frames(tmp_path: Path) -> None:
    dark, middle, bright = (decode(frame / 65535) for frame in read_photos(shots(tmp_path, ends_at=0.9)))
    for low, high in ((dark, middle), (middle, bright)):
        usable = (high.max(2) < 0.85) & (low.min(2) > 0.01)
        assert usable.sum() > 50
        assert np.log2(np.median(high[usable] / low[usable])) == pytest.approx(3, abs=0.1)


@pytest.mark.parametrize("stops", [(-6, -4), STOPS])
def test_a_bracket_that_ends_nowhere_or_at_the_white_level_stays_as_it_is(
    tmp_path: Path, stops: tuple[int, ...]
) -> None:
    paths = shots(tmp_path, stops=stops)
    with open_photo(paths[len(paths) // 2]) as photo:
        balance = photo.white_balance("as-shot")
    for path, pixels in zip(paths, read_photos(paths), strict=True):
        assert (pixels == read_photo(path, white_balance=balance)).all()


def test_a_bright_wall_is_not_taken_for_the_end_of_the_sensor(tmp_path: Path) -> None:
    """Nine tenths of the white level, evenly lit, with the noise of light."""
    noise = np.random.default_rng(3).normal(0.9 * CAMERA.white_level, 60, (64, 96))
    mosaic = np.clip(noise, 0, CAMERA.white_level).astype(np.uint16)
    path = tmp_path / "wall.dng"
    write_dng(path, mosaic, camera=CAMERA, exposure=Exposure(1 / 60, 100, 8))
    with open_photo(path) as photo:
        assert photo.saturation(photo.white_balance("as-shot")) is None


def test_a_few_hot_pixels_do_not_hide_the_end_of_the_sensor(tmp_path: Path) -> None:
    [path] = shots(tmp_path, ends_at=0.9, stops=(3,))
    radiance = textured_radiance(64, 96)
    mosaic = expose(radiance, camera=CAMERA, stops=3, rng=np.random.default_rng(12))
    mosaic = np.minimum(mosaic, int(0.9 * CAMERA.white_level)).astype(np.uint16)
    mosaic[::20, ::31] = CAMERA.white_level
    write_dng(path, mosaic, camera=CAMERA, exposure=Exposure(1 / 60, 100, 8))
    with open_photo(path) as photo:
        level = photo.saturation(photo.white_balance("as-shot"))
    assert level == pytest.approx(0.9 * CAMERA.white_level - CAMERA.black_level, rel=0.003)


def with_light(path: Path, *neutral: float) -> None:
    """The file with another AsShotNeutral, what the sensor sees of grey."""
    data, own = path.read_bytes(), entry_of_numbers(50728, 5, CAMERA.neutral).data
    assert data.count(own) == 1
    path.write_bytes(data.replace(own, entry_of_numbers(50728, 5, neutral).data))


@pytest.mark.parametrize("stops", [(-3, 0, 3), (-4, -2, 0, 2, 4)])
def test_one_frame_with_a_broken_white_balance_does_not_colour_the_bracket(
    tmp_path: Path, stops: tuple[int, ...]
) -> None:
    paths = shots(tmp_path, stops=stops)
    expected = developed(paths)
    middle = paths[len(paths) // 2]
    with_light(middle, 0.05, 1.0, 0.9)
    pictures = list(read_bracket(paths))
    for picture, pixels in zip(pictures, expected, strict=True):
        assert (picture.pixels == pixels).all()
    said = [text for picture in pictures for text in picture.warnings]
    assert said == [f"{middle.name}: its white balance is unlike that of most frames, which counts for it too"]


def test_what_no_light_needs_is_no_white_balance(tmp_path: Path) -> None:
    paths = shots(tmp_path)
    expected = developed(paths)
    with_light(paths[1], 1e-6, 1.0, 1.0)
    assert all((pixels == own).all() for pixels, own in zip(developed(paths), expected, strict=True))


def test_of_frames_without_a_common_white_balance_the_middle_ones_counts_and_is_said(tmp_path: Path) -> None:
    paths = shots(tmp_path)
    before = developed(paths)
    red, green, blue = CAMERA.neutral
    with_light(paths[2], red / 2, green, blue)
    for files in (paths[1:], paths):
        pictures = list(read_bracket(files))
        assert bool((pictures[-2].pixels == before[1]).all()) is (len(files) == 3)
        name = files[len(files) // 2].name
        unlike = "its white balance is unlike that of most frames, which counts for it too"
        of_two = f"{name}: its white balance counts for all frames, of which others are unlike it"
        said = [text for picture in pictures for text in picture.warnings]
        assert said == ([of_two] if len(files) == 2 else [f"{paths[2].name}: {unlike}"])


def test_an_automatic_white_balance_that_drifts_is_no_news(tmp_path: Path) -> None:
    paths = shots(tmp_path)
    before = developed(paths)
    red, green, blue = CAMERA.neutral
    with_light(paths[2], red * 1.2, green, blue / 1.2)
    pictures = list(read_bracket(paths))
    assert [picture.warnings for picture in pictures] == [()] * 3
    assert all((picture.pixels == pixels).all() for picture, pixels in zip(pictures, before, strict=True))


def grey_of(frames: list[NDArray[np.uint16]]) -> NDArray[np.float64]:
    """R and B over G of the middle frame in linear light, half of its pixels above and half below."""
    light = decode(frames[1] / 65535)
    usable = light[(light.max(axis=2) < 0.9) & (light.min(axis=2) > 0.005)]
    return np.array([np.median(usable[:, 0] / usable[:, 1]), np.median(usable[:, 2] / usable[:, 1])])


def test_each_choice_does_what_it_says(tmp_path: Path) -> None:
    paths = shots(tmp_path, light=(0.5, 0.4, 0.25), stops=(-3, -1, 1))
    as_shot, daylight = grey_of(developed(paths)), grey_of(developed(paths, "daylight"))
    assert grey_of(developed(paths, 6504)) == pytest.approx(daylight, rel=0.01), "D65"
    assert as_shot == pytest.approx(daylight, rel=0.01), "these files say so"
    assert grey_of(developed(paths, "auto")) == pytest.approx([1, 1], abs=0.03)
    reds = [grey_of(developed(paths, kelvin))[0] for kelvin in (2500, 3500, 5200, 9000)]
    assert reds == sorted(reds), "the warmer the light, the less red is left of it"


@pytest.mark.parametrize("kelvin", [2856, 5003, 7504])
def test_a_light_of_its_own_temperature_is_neutral(tmp_path: Path, kelvin: int) -> None:
    xyz = white_point(kelvin)
    to_srgb = np.linalg.inv(np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
                                      [0.0193339, 0.1191920, 0.9503041]]))  # fmt: skip
    paths = shots(tmp_path, light=tuple((to_srgb @ xyz / 3).tolist()), stops=(-3, -1, 1))
    assert grey_of(developed(paths, kelvin)) == pytest.approx([1, 1], abs=0.03)
    assert np.abs(grey_of(developed(paths, 6504)) - 1).max() > 0.08


@pytest.mark.parametrize(
    ("kelvin", "xy"), [(6504, (0.3127, 0.3291)), (5003, (0.3457, 0.3587)), (2856, (0.4476, 0.4074))]
)
def test_white_points_are_those_of_the_cie(kelvin: int, xy: tuple[float, float]) -> None:
    """D65, D50, and illuminant A, CIE 15:2018, table 3.1."""
    point = white_point(kelvin)
    assert (point / point.sum())[:2] == pytest.approx(xy, abs=0.0006)


def test_a_dng_may_say_the_chromaticity_of_its_light(tmp_path: Path) -> None:
    """AsShotWhiteXY in the place of AsShotNeutral: that of D65, for which the plain file says its multipliers."""
    [plain] = shots(tmp_path, stops=(-1,))
    data = plain.read_bytes()
    start = int.from_bytes(data[4:8], "little")
    entry = next(at for at in range(start + 2, start + 400, 12) if data[at : at + 2] == (50728).to_bytes(2, "little"))
    place = int.from_bytes(data[entry + 8 : entry + 12], "little")
    said = struct.pack("<HHII", 50729, 5, 2, place)
    xy = struct.pack("<4I", 3127, 10000, 3290, 10000)
    changed = data[:entry] + said + data[entry + 12 : place] + xy + data[place + len(xy) :]
    (tmp_path / "xy.dng").write_bytes(changed)
    [got], [expected] = read_photos([tmp_path / "xy.dng"]), read_photos([plain])
    differs = np.abs(got.astype(int) - expected)
    assert np.percentile(differs, 99) < 65535 * 0.002, "demosaicing may decide otherwise here and there"


@pytest.mark.parametrize("text", ["99", "foo", "1999", "25001", "5200.5", "-5200", "", "²"])
def test_what_is_no_white_balance_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected a white balance of as-shot, daylight, auto or 2000 to 25000"):
        balance_choice(text)


def test_other_files_than_raw_keep_theirs_with_a_warning(tmp_path: Path) -> None:
    paths = [tmp_path / "a.png", tmp_path / "b.png"]
    for path in paths:
        write_photo(path, np.full((8, 8, 3), 99, np.uint8))
    picture = next(iter(read_bracket(paths, rendering=Rendering(white_balance=5200))))
    assert picture.rendered.white_balance is None
    assert "5200 is for RAW" in picture.rendered.warnings[0]
    assert (picture.pixels == 99).all()


def test_a_damaged_file_is_named_when_its_mosaic_is_looked_at(tmp_path: Path) -> None:
    paths = shots(tmp_path)
    data = paths[1].read_bytes()
    paths[1].write_bytes(data[:200])
    with pytest.raises(PhotoError, match=r"0\.dng"):
        developed(paths)
