from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from deepfuse.errors import PhotoError
from deepfuse.simulation.camera import normalise_radiance, read_radiance, write_radiance


def test_radiance_file_round_trip_keeps_channel_order(tmp_path: Path) -> None:
    radiance = np.exp(np.random.default_rng(7).normal(0, 3, (20, 30, 3))).astype(np.float32)
    write_radiance(tmp_path / "scene.hdr", radiance)
    error = np.abs(read_radiance(tmp_path / "scene.hdr") - radiance)
    # RGBE shares one exponent: the step is 1/256 to 1/128 of the brightest channel.
    assert (error.max(axis=2) <= radiance.max(axis=2) / 128).all()
    assert [path.name for path in tmp_path.iterdir()] == ["scene.hdr"]


@pytest.mark.parametrize(
    "content",
    [b"", b"not a picture", b"#?RADIANCE\n\n-Y 8 +X 8\n", b"#?RADIANCE\n\n-Y 99999 +X 99999\n"],
    ids=["empty", "text", "no pixels", "bomb"],
)
def test_damaged_radiance_files_are_named(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "broken.hdr"
    path.write_bytes(content)
    with pytest.raises(PhotoError, match=r"broken\.hdr"):
        read_radiance(path)


def test_missing_radiance_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(PhotoError, match=r"absent\.hdr"):
        read_radiance(tmp_path / "absent.hdr")


def test_unwritable_radiance_is_named(tmp_path: Path) -> None:
    with pytest.raises(PhotoError, match=r"scene\.hdr"):
        write_radiance(tmp_path / "missing" / "scene.hdr", np.full((64, 96, 3), 0.5, np.float32))
    (tmp_path / "scene.hdr").mkdir()
    with pytest.raises(PhotoError, match=r"scene\.hdr"):
        write_radiance(tmp_path / "scene.hdr", np.full((64, 96, 3), 0.5, np.float32))
    assert [path.name for path in tmp_path.iterdir()] == ["scene.hdr"]


def test_radiance_that_is_no_picture_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(PhotoError, match=r"NaN or Inf \(.*scene.hdr"):
        write_radiance(tmp_path / "scene.hdr", np.full((64, 96, 3), np.inf, np.float32))
    with pytest.raises(PhotoError, match=r"got \(8, 8\)"):
        write_radiance(tmp_path / "scene.hdr", np.zeros((8, 8), np.float32))
    assert not list(tmp_path.iterdir())


def test_normalised_radiance_has_the_wanted_log_average() -> None:
    radiance = np.ones((2, 2, 3), np.float32)
    radiance[0, 0], radiance[0, 1], radiance[1, 0], radiance[1, 1] = 4.0, 16.0, 0.0, -3.0
    result = normalise_radiance(radiance, key=0.2)
    # Of the lit pixels 4 and 16 the geometric mean is 8, so the scale is 0.2 / 8.
    np.testing.assert_allclose(result[..., 1], [[0.1, 0.4], [0.0, 0.0]], rtol=1e-5)
    with pytest.raises(ValueError, match="only black"):
        normalise_radiance(np.full((64, 96, 3), -1, np.float32))
