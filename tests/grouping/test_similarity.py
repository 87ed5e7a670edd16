from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.photographs import scene_radiance
from support.pictures import expose

from deepfuse.color import luma
from deepfuse.errors import PhotoError
from deepfuse.grouping.similarity import Album, Descriptor, compare, describe
from deepfuse.photo import write_photo
from deepfuse.photo.preview import read_preview
from deepfuse.simulation.camera import CAMERAS, simulate_bracket


def shown(seed: int, stops: float = 0, shift_px: int = 0) -> Descriptor:
    picture = np.roll(expose(scene_radiance(seed), stops), shift_px, 1)
    return describe(luma((picture / 65535).astype(np.float32)))


@pytest.mark.parametrize("stops", [-4, -2, 2, 3])
@pytest.mark.parametrize("shift_px", [0, 5])
def test_one_scene_is_known_at_any_exposure_and_a_small_shift(stops: float, shift_px: int) -> None:
    assert compare(shown(1), shown(1, stops, shift_px)).same is True


@pytest.mark.parametrize("seed", range(2, 12))
def test_different_scenes_are_told_apart(seed: int) -> None:
    assert compare(shown(1), shown(seed, 1)).same is False


def test_a_far_shift_is_another_view() -> None:
    assert compare(shown(1), shown(1, 0, 30)).same is False


def test_black_pictures_tell_nothing() -> None:
    assert compare(shown(1, -14), shown(1)).same is None


def test_tiny_pictures_tell_nothing() -> None:
    for side in (1, 2, 3):
        assert compare(*[describe(np.full((side, side), level, np.float32)) for level in (0.1, 0.4)]).same is None


def test_levels_are_in_stops() -> None:
    assert shown(1, -2).level - shown(1, -3).level == pytest.approx(1, abs=0.25)


def test_previews_of_all_formats_show_one_picture(tmp_path: Path) -> None:
    radiance = scene_radiance(3)
    (raw,) = simulate_bracket(radiance, tmp_path, camera=CAMERAS[0], stops=(0, 1), seed=1)[:1]
    files = [raw]
    for suffix in (".jpg", ".png", ".tif"):
        files.append(tmp_path / f"photo{suffix}")
        write_photo(files[-1], expose(radiance, 0))
    for file in files:
        preview = read_preview(file, 48)
        assert preview.shape == (32, 48, 3)
        assert 0 <= preview.min() < preview.max() <= 1
    album = Album(read_preview)
    assert album.same(files[1], files[2]) is True
    (tmp_path / "broken.jpg").write_text("no picture")
    assert album.same(files[1], tmp_path / "broken.jpg") is None
    with pytest.raises(PhotoError, match=r"broken\.jpg"):
        read_preview(tmp_path / "broken.jpg", 48)
