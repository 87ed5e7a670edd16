import numpy as np
import pytest

from deepfuse.color import Float, luma, rgb_to_ycbcr, to_float
from deepfuse.fusion.colour import Colour, colour_planes, exposed, luma_plane, saturated
from deepfuse.fusion.compose import fitted, paint

rng = np.random.default_rng(3)


def flat(rgb: tuple[float, float, float]) -> tuple[Float, Colour]:
    return colour_planes(np.full((2, 2, 3), rgb, np.float32))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_planes_are_luma_and_chroma(dtype: type) -> None:
    top = 1 if dtype == np.float32 else np.iinfo(dtype).max
    pixels = (top * rng.random((7, 50, 3), np.float32)).astype(dtype)
    y, (blue, red) = colour_planes(pixels)
    expected, chroma = rgb_to_ycbcr(to_float(pixels))
    assert (luma_plane(pixels) == y).all()
    np.testing.assert_allclose(y, luma(to_float(pixels)), atol=1e-6)
    np.testing.assert_allclose(y, expected, atol=1e-6)
    np.testing.assert_allclose(blue / 1.772 + 0.5, chroma[..., 0], atol=1e-6)
    np.testing.assert_allclose(red / 1.402 + 0.5, chroma[..., 1], atol=1e-6)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("size", [(1, 1), (300, 211)])
def test_a_frame_painted_at_its_own_luma_comes_back(dtype: type, size: tuple[int, int]) -> None:
    pixels = rng.integers(1, np.iinfo(dtype).max, (*size, 3), dtype)
    planes = colour_planes(pixels)
    painted = np.empty_like(pixels)
    paint(painted, planes[0], [planes], "exposed")
    assert (painted == pixels).all()


def test_what_leaves_the_range_is_clipped() -> None:
    painted = np.empty((1, 2, 3), np.uint8)
    grey = np.zeros((1, 2), np.float32)
    paint(painted, np.array([[-0.2, 1.7]], np.float32), [(grey + np.float32(0.5), (grey, grey))], "saturated")
    assert painted[0].tolist() == [[0, 0, 0], [255, 255, 255]]


def test_a_colour_that_does_not_fit_keeps_its_luma_and_its_hue() -> None:
    y, colour = np.float32([0.9]), (np.float32([-0.5316]), np.float32([0.5608]))
    rgb = np.stack(fitted(y, colour), -1)
    assert rgb.min() >= 0
    assert rgb.max() == pytest.approx(1)
    kept_y, (blue, red) = colour_planes(rgb[None])
    assert kept_y[0] == pytest.approx(y, abs=1e-6)
    assert blue[0] / colour[0] == pytest.approx(red[0] / colour[1], rel=1e-4)


def test_chroma_is_weighted_by_its_distance_from_neutral() -> None:
    # Two frames at -0.1 and 0.3: (0.1 · -0.1 + 0.3 · 0.3) / 0.4 = 0.2; neutral ones stay neutral.
    frames = [(np.float32([-0.1, 0]), np.float32([0, 0.3])), (np.float32([0.3, 0]), np.float32([0, -0.1]))]
    blue, red = saturated(frames)
    np.testing.assert_allclose(blue, [0.2, 0], atol=1e-6)
    np.testing.assert_allclose(red, [0, 0.2], atol=1e-6)


def test_a_clipped_or_black_frame_lends_no_colour() -> None:
    good, clipped, black = flat((0.7, 0.5, 0.3)), flat((1, 1, 0.7)), flat((0.02, 0, 0))
    np.testing.assert_allclose(exposed([black, good, clipped], good[0]), good[1], atol=0.01)


def test_frames_without_trust_still_give_a_colour() -> None:
    cream = flat((1, 1, 0.8))
    np.testing.assert_allclose(exposed([flat((0, 0, 0)), cream], cream[0]), cream[1], atol=0.02)


@pytest.mark.parametrize(("brighter", "more_chroma"), [(2, 2**0.5), (0.5, 0.5**0.75), (1, 1)])
def test_chroma_follows_a_darker_luma_further_than_a_brighter_one(brighter: float, more_chroma: float) -> None:
    y, colour = flat((0.4, 0.3, 0.2))
    np.testing.assert_allclose(
        exposed([(y, colour)], np.float32(brighter) * y), more_chroma * np.stack(colour), atol=1e-5
    )
