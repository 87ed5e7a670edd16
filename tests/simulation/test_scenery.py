"""The procedural scenes: the same for a seed, different between seeds, and worth a bracket."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from deepfuse.simulation.scenery import render_scene
from deepfuse.simulation.scenery.light import Lights, Window, direct, sunlit
from deepfuse.simulation.scenery.solids import Solid, blocked
from deepfuse.simulation.scenery.texture import dead_leaves, fractal, look_up

ROOM, HALL, WOOD = 0, 1, 3
WIDTH, HEIGHT = 132, 90
SHELL = Solid("box", (0.0, 1.5, 3.0), (2.0, 1.5, 3.0))


@pytest.fixture(scope="module")
def scenes() -> dict[int, NDArray[np.float32]]:
    return {seed: render_scene(seed, width=WIDTH, height=HEIGHT) for seed in (ROOM, HALL, WOOD)}


def luminance(picture: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.asarray(picture @ np.array([0.2126, 0.7152, 0.0722]), np.float64)


@pytest.mark.parametrize("seed", [ROOM, HALL, WOOD])
def test_scene_is_light_of_the_wanted_size_and_range(scenes: dict[int, NDArray[np.float32]], seed: int) -> None:
    picture = scenes[seed]
    assert picture.shape == (HEIGHT, WIDTH, 3)
    assert picture.dtype == np.float32
    assert np.isfinite(picture).all()
    assert picture.min() >= 0
    low, high = np.percentile(luminance(picture), [1, 99.9])
    assert np.log2(high / low) >= 12
    assert 0.1 < np.exp(np.log(np.maximum(luminance(picture), 1e-9)).mean()) < 0.2


@pytest.mark.parametrize("seed", [ROOM, HALL, WOOD])
def test_every_frame_of_a_bracket_shows_something_else(scenes: dict[int, NDArray[np.float32]], seed: int) -> None:
    light = luminance(scenes[seed])
    well_exposed = [(light * 2.0**stop > 0.02) & (light * 2.0**stop < 0.95) for stop in (-3, 0, 3)]
    assert np.mean(well_exposed[0] & ~well_exposed[2]) > 0.02
    assert np.mean(well_exposed[2] & ~well_exposed[0]) > 0.02


@pytest.mark.parametrize("seed", [ROOM, WOOD])
def test_seed_decides_the_picture(scenes: dict[int, NDArray[np.float32]], seed: int) -> None:
    np.testing.assert_array_equal(render_scene(seed, width=WIDTH, height=HEIGHT), scenes[seed])


def test_seeds_give_different_rooms(scenes: dict[int, NDArray[np.float32]]) -> None:
    other = render_scene(2, width=WIDTH, height=HEIGHT)
    apart = np.abs(np.log2(luminance(other) + 1e-4) - np.log2(luminance(scenes[ROOM]) + 1e-4))
    assert apart.mean() > 0.5


def test_refuses_a_picture_too_small() -> None:
    with pytest.raises(ValueError, match="got 8 x 90"):
        render_scene(0, width=8, height=90)


@pytest.mark.parametrize(("kind", "expected"), [("box", 3.0), ("ball", 3.0), ("drum", 3.0)])
def test_ray_meets_each_solid_where_geometry_says(kind: str, expected: float) -> None:
    solid = Solid(kind, (0.0, 0.0, 5.0), (1.0, 1.0, 2.0))  # type: ignore[arg-type]
    origins = np.zeros((3, 2), np.float32)
    directions = np.array([[0.0, 0.8], [0.0, 0.0], [1.0, 0.6]], np.float32)
    np.testing.assert_allclose(solid.distance(origins, directions), [expected, np.inf], rtol=1e-5)


def test_turned_box_shows_its_edge() -> None:
    solid = Solid("box", (0.0, 0.0, 5.0), (1.0, 1.0, 1.0), yaw=np.pi / 4)
    forward = np.array([[0.0], [0.0], [1.0]], np.float32)
    assert solid.distance(np.zeros((3, 1), np.float32), forward)[0] == pytest.approx(5 - np.sqrt(2), rel=1e-4)


@pytest.mark.parametrize("kind", ["box", "ball", "drum"])
def test_chart_points_are_located_where_they_were_drawn(kind: str) -> None:
    solid = Solid(kind, (1.0, 2.0, 3.0), (0.5, 0.7, 0.9), yaw=0.4)  # type: ignore[arg-type]
    points, _ = solid.chart(8)
    inner = points[:, :, 2:6, 2:6]  # corners of a drum's cap lie outside its disc
    face, u, v = solid.locate(inner.reshape(3, -1))
    grid = np.linspace(-1, 1, 8)[2:6]
    np.testing.assert_array_equal(face, np.repeat(np.arange(6), 16))
    np.testing.assert_allclose(u, np.tile(np.tile(grid, 4), 6), atol=1e-4)
    np.testing.assert_allclose(v, np.tile(np.repeat(grid, 4), 6), atol=1e-4)


def test_only_solids_within_reach_and_with_a_shadow_block() -> None:
    origins, forward = np.zeros((3, 1), np.float32), np.array([[0.0], [0.0], [1.0]], np.float32)
    box = Solid("box", (0.0, 0.0, 5.0), (1.0, 1.0, 1.0))
    glass = Solid("box", (0.0, 0.0, 2.0), (1.0, 1.0, 1.0), casts_shadow=False)
    assert blocked(origins, forward, 4.5, [box])[0]
    assert not blocked(origins, forward, 3.5, [box])[0]
    assert not blocked(origins, -forward, 9.0, [box])[0]
    assert not blocked(origins, forward, 9.0, [glass])[0]


def test_window_light_agrees_with_the_form_factor() -> None:
    window = Window(5, (-0.05, 1.45), (0.05, 1.55), (1, 1))
    lights = Lights((window,), (), (0.0, -1.0, 0.0), (0.0, 0.0, 0.0))
    point = np.array([[0.0], [1.5], [4.0]], np.float32)
    facing = np.array([[0.0], [0.0], [1.0]], np.float32)
    found = direct(point, facing, lights, SHELL, [], np.random.default_rng(0))
    # A small source of 0.01 m² at 2 m, both surfaces facing: A / (π r²).
    np.testing.assert_allclose(found, np.full((1, 3), 0.01 / (np.pi * 4)), rtol=0.01)
    screen = Solid("box", (0.0, 1.5, 5.0), (0.5, 0.5, 0.1))
    assert direct(point, facing, lights, SHELL, [screen], np.random.default_rng(0)).max() == 0


def test_sun_falls_on_the_floor_behind_the_glass_only() -> None:
    window = Window(5, (-0.5, 1.0), (0.5, 2.0), (0, 0))
    lights = Lights((window,), (), (0.0, 0.6, 0.8), (1.0, 1.0, 1.0))
    # At this height of the sun a ray from the middle of the window meets the floor 2 m from the wall.
    floor = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 0.0], [4.0, 4.0, 1.0]], np.float32)
    np.testing.assert_array_equal(sunlit(floor, lights, SHELL, [], 0.0), [1, 0, 0])
    post = Solid("box", (0.0, 0.4, 4.5), (0.1, 0.4, 0.1))
    np.testing.assert_array_equal(sunlit(floor, lights, SHELL, [post], 0.0), [0, 0, 0])


def test_far_texture_fades_to_its_mean_instead_of_shimmering() -> None:
    stripes = np.zeros((64, 64, 3), np.float32)
    stripes[:, ::2] = 1.0
    x, y = np.arange(16, dtype=np.float32), np.full(16, 7, np.float32)
    near = look_up(stripes, x, y, np.full(16, 1.0, np.float32))
    far = look_up(stripes, x, y, np.full(16, 2.0, np.float32))
    np.testing.assert_allclose(near[:, 0], x % 2 == 0, atol=1e-3)
    np.testing.assert_allclose(far, 0.5, atol=1e-3)


def test_fractal_amplitude_falls_with_frequency() -> None:
    noise = fractal(np.random.default_rng(0), 256, 256, slope=1.0)
    amplitude = np.abs(np.fft.fft2(noise))
    steps = np.fft.fftfreq(256) * 256
    radius = np.hypot(steps[:, None], steps[None])
    low, high = (amplitude[(radius >= r) & (radius < r + 1)].mean() for r in (10, 80))
    assert np.log2(low / high) / 3 == pytest.approx(1.0, abs=0.1)
    assert noise.std() == pytest.approx(1.0, abs=1e-3)


def test_dead_leaves_have_hard_edges_and_flats() -> None:
    picture = dead_leaves(np.random.default_rng(3), 100, 140)
    steps = np.abs(np.diff(picture[..., 0], axis=1))
    assert picture.shape == (100, 140, 3)
    assert np.percentile(steps, 99) > 5 * np.median(steps)
