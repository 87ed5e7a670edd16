"""The simulated camera against LibRaw, Exiv2 and the noise model it states."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import exiv2
import numpy as np
import pytest
import rawpy
from numpy.typing import NDArray

from deepfuse.bracket import Exposure
from deepfuse.errors import PhotoError
from deepfuse.simulation.camera import (
    CAMERAS,
    Camera,
    expose,
    simulate_bracket,
    write_dng,
)

EXPOSURE = Exposure(time_s=1 / 480, iso=200, f_number=5.6)
CFA_ORDERS = ("RGGB", "BGGR", "GRBG", "GBRG")


def flat(level: float | tuple[float, float, float], height: int = 64, width: int = 96) -> NDArray[np.float32]:
    return np.broadcast_to(np.asarray(level, np.float32), (height, width, 3)).copy()


def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def quiet(camera: Camera) -> Camera:
    return replace(camera, full_well_e=1e9, read_noise_e=0.0)


def develop(path: Path) -> NDArray[np.float64]:
    with rawpy.imread(str(path)) as raw:
        pixels = raw.postprocess(
            gamma=(1, 1),
            no_auto_bright=True,
            output_bps=16,
            use_camera_wb=True,
            adjust_maximum_thr=0.0,
            user_flip=0,
            output_color=rawpy.ColorSpace.sRGB,
        )
    return np.asarray(pixels, np.float64) / 65535


def test_cameras_cover_every_depth_and_filter_order() -> None:
    assert {camera.bits for camera in CAMERAS} == {10, 12, 14}
    assert {camera.cfa for camera in CAMERAS} == set(CFA_ORDERS)
    assert all(0 < c.black_level < c.white_level < 2**c.bits for c in CAMERAS)


@pytest.mark.parametrize("cfa", CFA_ORDERS)
@pytest.mark.parametrize("camera", CAMERAS, ids=lambda camera: camera.name)
@pytest.mark.parametrize("compression", ["none", "lossless"])
def test_libraw_reads_back_what_was_written(camera: Camera, cfa: str, compression: str, tmp_path: Path) -> None:
    camera = replace(camera, cfa=cfa, compression=compression)  # type: ignore[arg-type]
    mosaic = rng().integers(0, camera.white_level + 1, (38, 54), dtype=np.uint16)
    path = tmp_path / "frame.dng"
    write_dng(path, mosaic, camera=camera, exposure=EXPOSURE)
    with rawpy.imread(str(path)) as raw:
        assert raw.raw_pattern is not None
        np.testing.assert_array_equal(raw.raw_image, mosaic)
        assert raw.black_level_per_channel == [camera.black_level] * 4
        assert raw.white_level == camera.white_level
        assert "".join("RGBG"[index] for index in np.ravel(raw.raw_pattern)) == cfa
        np.testing.assert_allclose(raw.camera_whitebalance[:3], 1 / np.array(camera.neutral), rtol=1e-4)
        np.testing.assert_allclose(raw.other.shutter_speed, 1 / 480, rtol=1e-4)
        np.testing.assert_allclose(raw.other.aperture, 5.6, rtol=1e-4)
        assert raw.other.iso_speed == 200


def test_exif_says_which_camera_and_exposure(tmp_path: Path) -> None:
    path = tmp_path / "frame.dng"
    write_dng(path, np.full((16, 16), 300, np.uint16), camera=CAMERAS[1], exposure=EXPOSURE)
    image = exiv2.ImageFactory.open(str(path))
    image.readMetadata()
    tags = {datum.key(): datum.toString() for datum in image.exifData()}
    assert tags["Exif.Image.Make"] == tags["Exif.Image.Model"] == CAMERAS[1].name
    assert tags["Exif.Photo.ExposureTime"] == "1/480"
    assert tags["Exif.Photo.FNumber"] == "28/5"
    assert tags["Exif.Photo.ISOSpeedRatings"] == "200"


def test_unknown_exposure_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "frame.dng"
    write_dng(path, np.full((32, 32), 300, np.uint16), camera=CAMERAS[0], exposure=Exposure())
    with rawpy.imread(str(path)) as raw:
        assert (raw.other.shutter_speed, raw.other.iso_speed, raw.other.aperture) == (0, 0, 0)


@pytest.mark.parametrize("camera", CAMERAS, ids=lambda camera: camera.name)
@pytest.mark.parametrize("color", [(0.5, 0.5, 0.5), (0.4, 0.3, 0.2), (0.15, 0.25, 0.5)])
def test_developed_colour_is_the_scene_colour(
    camera: Camera, color: tuple[float, float, float], tmp_path: Path
) -> None:
    (path,) = simulate_bracket(flat(color), tmp_path, camera=camera, stops=[0], seed=1)
    np.testing.assert_allclose(develop(path)[8:-8, 8:-8].mean(axis=(0, 1)), color, rtol=0.02)


def test_frames_keep_the_ratio_of_their_exposures(tmp_path: Path) -> None:
    ramp = flat(1.0) * np.linspace(0.02, 0.9, 96, dtype=np.float32)[None, :, None]
    stops = [-3.0, 0.0, 1.5]
    paths = simulate_bracket(ramp, tmp_path, camera=CAMERAS[3], stops=stops, seed=3)
    assert [path.name for path in paths] == ["00_ev-3.dng", "01_ev+0.dng", "02_ev+1.5.dng"]
    columns = [develop(path)[8:-8].mean(axis=0) for path in paths]
    unclipped = slice(8, 30)
    for stop, column in zip(stops, columns, strict=True):
        ratio = column[unclipped] / columns[1][unclipped]
        np.testing.assert_allclose(ratio.mean(), 2.0**stop, rtol=0.02)
    with rawpy.imread(str(paths[0])) as raw:
        np.testing.assert_allclose(raw.other.shutter_speed, 1 / 480, rtol=1e-4)


@pytest.mark.parametrize("camera", CAMERAS, ids=lambda camera: camera.name)
@pytest.mark.parametrize("level", [0.002, 0.05, 0.4])
def test_noise_variance_is_shot_plus_read_plus_rounding(camera: Camera, level: float) -> None:
    mosaic = expose(flat(level, 400, 400), camera=camera, stops=0, rng=rng()).astype(np.float64)
    first_green = camera.cfa.index("G")
    green = mosaic[first_green // 2 :: 2, first_green % 2 :: 2]
    dn_per_e = (camera.white_level - camera.black_level) / camera.full_well_e
    expected = dn_per_e**2 * (level * camera.full_well_e + camera.read_noise_e**2) + 1 / 12
    # 40,000 samples: the standard error of a variance is 0.7 %, and 5 % is seven of them.
    np.testing.assert_allclose(green.var(), expected, rtol=0.05)
    mean = camera.black_level + level * camera.full_well_e * dn_per_e
    np.testing.assert_allclose(green.mean(), mean, atol=0.05 + 5 * expected**0.5 / 200)


def test_light_beyond_the_full_well_reads_the_white_level() -> None:
    camera = CAMERAS[1]
    assert (expose(flat(6.0), camera=camera, stops=0, rng=rng()) == camera.white_level).all()
    assert (expose(flat(1e30), camera=camera, stops=3, rng=rng()) == camera.white_level).all()
    assert expose(flat(6.0), camera=camera, stops=-4, rng=rng()).max() < camera.white_level


def test_white_of_one_just_saturates_green() -> None:
    camera = quiet(CAMERAS[1])
    mosaic = expose(flat(1.0), camera=camera, stops=0, rng=rng())
    assert abs(int(mosaic[0, 1]) - camera.white_level) <= 1
    assert mosaic[0, 0] < 0.5 * camera.white_level


def test_homography_carries_reference_points_to_frame_points() -> None:
    dot = np.zeros((64, 96, 3), np.float32)
    dot[20, 30] = 0.8
    angle = 0.1
    homography = np.array([[np.cos(angle), -np.sin(angle), 8.0], [np.sin(angle), np.cos(angle), 5.0], [0.0, 0.0, 1.0]])
    mosaic = expose(dot, camera=quiet(CAMERAS[1]), stops=0, rng=rng(), homography=homography)
    light = mosaic.astype(np.float64) - CAMERAS[1].black_level
    rows, columns = np.indices(light.shape)
    found = np.array([(light * columns).sum(), (light * rows).sum()]) / light.sum()
    expected = (homography @ [30.0, 20.0, 1.0])[:2]
    # A dot of one pixel is sampled by one or two filters of the mosaic, so its centre is known to a pixel.
    np.testing.assert_allclose(found, expected, atol=1.0)


def test_warped_edges_reflect_the_scene() -> None:
    homography = np.array([[1.0, 0.0, 10.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    camera = quiet(CAMERAS[1])
    moved = expose(flat(0.5), camera=camera, stops=0, rng=rng(), homography=homography)
    np.testing.assert_array_equal(moved, expose(flat(0.5), camera=camera, stops=0, rng=rng()))


def test_seed_decides_the_noise_and_frames_do_not_share_it(tmp_path: Path) -> None:
    def shoot(name: str, seed: int) -> list[bytes]:
        paths = simulate_bracket(flat(0.3), tmp_path / name, camera=CAMERAS[0], stops=[0, 0], seed=seed)
        return [path.read_bytes() for path in paths]

    first, again, other = shoot("a", 5), shoot("b", 5), shoot("c", 6)
    assert first == again
    assert first[0] != other[0]
    assert first[0] != first[1]


@pytest.mark.parametrize(("height", "width"), [(33, 47), (32, 47), (33, 46)])
def test_odd_sizes_lose_one_pixel(height: int, width: int) -> None:
    assert expose(flat(0.2, height, width), camera=CAMERAS[2], stops=0, rng=rng()).shape == (32, 46)


def test_refuses_what_is_no_picture(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="got NaN or Inf"):
        expose(flat(np.nan), camera=CAMERAS[0], stops=0, rng=rng())
    with pytest.raises(ValueError, match=r"got \(8, 8\)"):
        expose(np.zeros((8, 8), np.float32), camera=CAMERAS[0], stops=0, rng=rng())
    with pytest.raises(ValueError, match="even"):
        write_dng(tmp_path / "a.dng", np.zeros((7, 8), np.uint16), camera=CAMERAS[0], exposure=EXPOSURE)
    with pytest.raises(ValueError, match="expected 2 homographies"):
        simulate_bracket(flat(1.0), tmp_path, camera=CAMERAS[0], stops=[0, 1], seed=0, homographies=[None])


def test_unwritable_files_are_named_and_leave_nothing(tmp_path: Path) -> None:
    mosaic = np.zeros((8, 8), np.uint16)
    with pytest.raises(PhotoError, match=r"frame\.dng"):
        write_dng(tmp_path / "missing" / "frame.dng", mosaic, camera=CAMERAS[0], exposure=EXPOSURE)
    (tmp_path / "frame.dng").mkdir()
    with pytest.raises(PhotoError, match=r"frame\.dng"):
        write_dng(tmp_path / "frame.dng", mosaic, camera=CAMERAS[0], exposure=EXPOSURE)
    assert [path.name for path in tmp_path.iterdir()] == ["frame.dng"]
