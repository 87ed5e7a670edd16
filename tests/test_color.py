import numpy as np
import pytest

from deepfuse.color import (
    NEUTRAL,
    exposed_chroma,
    from_float,
    luma,
    rgb_to_ycbcr,
    saturated_chroma,
    to_float,
    ycbcr_to_rgb,
)

rng = np.random.default_rng(3)


def test_ycbcr_of_known_colours() -> None:
    # ITU-R BT.601 full range: pure blue has Cb = 1, pure red Cr = 1, grey has neutral chroma.
    rgb = np.array([[1, 0, 0], [0, 0, 1], [0.25, 0.25, 0.25]], np.float32)
    y, chroma = rgb_to_ycbcr(rgb)
    np.testing.assert_allclose(y, [0.299, 0.114, 0.25], atol=1e-6)
    np.testing.assert_allclose(chroma, [[0.5 - 0.299 / 1.772, 1], [1, 0.5 - 0.114 / 1.402], [0.5, 0.5]], atol=1e-6)


def test_rgb_survives_the_round_trip() -> None:
    rgb = rng.random((20, 30, 3), np.float32)
    np.testing.assert_allclose(ycbcr_to_rgb(*rgb_to_ycbcr(rgb)), rgb, atol=2e-6)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_every_level_survives_float(dtype: type) -> None:
    levels = np.arange(np.iinfo(dtype).max + 1) if dtype != np.float32 else np.linspace(0, 1, 99)
    image = levels.astype(dtype)
    assert (from_float(to_float(image), np.dtype(dtype)) == image).all()


def test_float_is_clipped_before_it_is_stored() -> None:
    assert from_float(np.array([-0.2, 1.7], np.float32), np.dtype(np.uint8)).tolist() == [0, 255]


def test_other_dtypes_are_refused() -> None:
    with pytest.raises(TypeError, match="int32"):
        to_float(np.zeros(3, np.int32))


def test_chroma_is_weighted_by_its_distance_from_neutral() -> None:
    # Two frames at distances 0.1 and 0.3 from neutral, on opposite sides: (0.4·0.1 + 0.8·0.3) / 0.4 = 0.7.
    fused = saturated_chroma([np.full((1, 2), 0.4, np.float32), np.full((1, 2), 0.8, np.float32)])
    np.testing.assert_allclose(fused, 0.7, atol=1e-6)


def test_neutral_frames_stay_neutral() -> None:
    fused = saturated_chroma([np.full((4, 2), NEUTRAL)] * 3)
    assert (fused == NEUTRAL).all()


def flat(rgb: tuple[float, float, float]) -> tuple[np.ndarray, np.ndarray]:
    return rgb_to_ycbcr(np.full((2, 2, 3), rgb, np.float32))


def test_a_colour_that_does_not_fit_keeps_its_luma_and_its_hue() -> None:
    y, chroma = np.float32([0.9]), np.float32([[0.2, 0.9]])
    rgb = ycbcr_to_rgb(y, chroma)
    assert rgb.min() >= 0
    assert rgb.max() == pytest.approx(1)
    kept_y, kept_chroma = rgb_to_ycbcr(rgb)
    assert kept_y == pytest.approx(y, abs=1e-6)
    share = (kept_chroma - NEUTRAL) / (chroma - NEUTRAL)
    assert share[0, 0] == pytest.approx(share[0, 1], rel=1e-4)


def test_a_clipped_or_black_frame_lends_no_colour() -> None:
    good, clipped, black = flat((0.7, 0.5, 0.3)), flat((1, 1, 0.7)), flat((0.02, 0, 0))
    fused = exposed_chroma([black, good, clipped], good[0])
    np.testing.assert_allclose(fused, good[1], atol=0.005)


def test_frames_without_trust_still_give_a_colour() -> None:
    cream = flat((1, 1, 0.8))
    fused = exposed_chroma([flat((0, 0, 0)), cream], cream[0])
    np.testing.assert_allclose(fused, cream[1], atol=0.01)


@pytest.mark.parametrize(("brighter", "more_chroma"), [(2, 2**0.5), (0.5, 0.5**0.75), (1, 1)])
def test_chroma_follows_a_darker_luma_further_than_a_brighter_one(brighter: float, more_chroma: float) -> None:
    frame = flat((0.4, 0.3, 0.2))
    fused = exposed_chroma([frame], np.float32(brighter) * frame[0])
    np.testing.assert_allclose(fused - NEUTRAL, more_chroma * (frame[1] - NEUTRAL), atol=1e-5)


def test_luma_weighs_green_most() -> None:
    assert luma(np.eye(3, dtype=np.float32)).tolist() == pytest.approx([0.299, 0.587, 0.114])
