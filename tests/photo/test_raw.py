"""RAW files: turned once, and developed in proportion to the light."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from support.bad_files import patched, tiff_with
from support.pictures import textured_radiance
from support.reference_photo import decode, turned

from deepfuse.bracket import Exposure
from deepfuse.photo import read_header, read_photo, read_photos
from deepfuse.simulation.camera import CAMERAS, expose, write_dng

rng = np.random.default_rng(6)


def raw_file(path: Path, stops: float, camera: int = 3) -> Path:
    radiance = textured_radiance(64, 96)
    mosaic = expose(radiance, camera=CAMERAS[camera], stops=stops, rng=np.random.default_rng(1))
    write_dng(path, mosaic, camera=CAMERAS[camera], exposure=Exposure(2.0**stops / 60, 100, 5.6))
    return path


@pytest.mark.parametrize("orientation", range(1, 9))
def test_raw_is_turned_once(tmp_path: Path, orientation: int) -> None:
    path = raw_file(tmp_path / "a.dng", 0)
    expected = turned(read_photo(path), orientation)
    path.write_bytes(tiff_with({274: orientation}, path.read_bytes()))
    got = read_photo(path)
    assert got.shape == expected.shape
    assert (got == expected).mean() > 0.999
    header = read_header(path)
    assert (header.orientation, header.size) == (orientation, f"{got.shape[1]}×{got.shape[0]}")


@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0])
def test_what_libraw_makes_of_a_damaged_exposure_is_not_believed(tmp_path: Path, value: float) -> None:
    data = raw_file(tmp_path / "a.dng", 0).read_bytes()
    for tag in (0x829A, 0x829D):
        at = data.index(struct.pack("<HHI", tag, 5, 1))
        data = patched(data, at, struct.pack("<HHIf", tag, 11, 1, value))  # FLOAT
    (tmp_path / "a.dng").write_bytes(data)
    found = read_header(tmp_path / "a.dng").exposure
    assert (found.time_s, found.f_number, found.ev) == (None, None, None)


@pytest.mark.parametrize("camera", range(4))
def test_a_developed_bracket_is_proportional_to_the_truth(tmp_path: Path, camera: int) -> None:
    """Every frame is the scene's linear light times its exposure, one factor for all, within 0.1 EV."""
    steps = 0.18 * 2.0 ** np.linspace(-3, 2, 16, dtype=np.float32)
    radiance = np.tile(np.repeat(steps, 8)[:, None], (96, 1, 3))
    stops = (-3, 0, 2)
    paths = []
    for stop in stops:
        mosaic = expose(radiance, camera=CAMERAS[camera], stops=stop, rng=np.random.default_rng(stop + 9))
        paths.append(tmp_path / f"{stop}.dng")
        write_dng(paths[-1], mosaic, camera=CAMERAS[camera], exposure=Exposure(2.0**stop / 60, 100, 5.6))
    for stop, picture in zip(stops, read_photos(paths), strict=True):
        light = decode(picture.reshape(96, 16, 8, 3)[:, :, 2:6].astype(float) / 65535).mean(axis=(0, 2))
        truth = steps * 2.0**stop
        usable = (truth < 0.9) & (truth > 0.02)
        assert usable.sum() >= 6
        assert np.abs(np.log2(light / truth[:, None]))[usable].max() < 0.1
