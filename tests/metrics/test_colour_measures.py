"""The measures of colour: what the same camera records is the truth, and what eyes mind costs."""

from __future__ import annotations

import numpy as np
import pytest

from deepfuse.color import from_linear, luma, to_linear
from deepfuse.metrics.colour import chroma_gain, colour_error, false_colour, hue_error
from deepfuse.metrics.oklab import oklab
from deepfuse.metrics.reexposure import reexposed
from deepfuse.metrics.shadow_noise import shadow_noise

rng = np.random.default_rng(5)
Picture = np.ndarray


def exposed(radiance: Picture, stops: float) -> Picture:
    """An ideal camera."""
    return from_linear(np.minimum(radiance * np.float32(2**stops), 1))


def scene(height: int = 60, width: int = 90) -> Picture:
    """Smooth radiance of many colours, 0.02 to 0.5 of the light."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    planes = [0.02 + 0.24 * (1 + np.sin(x / a + y / b)) for a, b in ((17, 29), (23, -19), (31, 13))]
    return np.stack(planes, -1).astype(np.float32)


def lab(rgb: tuple[float, float, float]) -> list[float]:
    return oklab(np.array([[rgb]], np.float32))[0, 0].tolist()


def test_oklab_of_known_colours() -> None:
    # Of the source's own table: XYZ (0.950, 1, 1.089) is white; red, green and blue of sRGB as CSS Color 4 lists them.
    assert lab((1, 1, 1)) == pytest.approx([1, 0, 0], abs=1e-3)
    assert lab((1, 0, 0)) == pytest.approx([0.62796, 0.22486, 0.12585], abs=1e-3)
    assert lab((0, 1, 0)) == pytest.approx([0.86644, -0.23389, 0.17950], abs=1e-3)
    assert lab((0, 0, 1)) == pytest.approx([0.45201, -0.03246, -0.31153], abs=1e-3)


def test_linear_and_back() -> None:
    levels = np.linspace(0, 1, 257, dtype=np.float32)
    np.testing.assert_allclose(from_linear(to_linear(levels)), levels, atol=1e-6)
    assert to_linear(np.float32([0.5]))[0] == pytest.approx(0.21404, abs=1e-5)  # IEC 61966-2-1


def test_a_reexposed_grey_is_that_grey_and_orange_goes_over_yellow_to_white() -> None:
    grey = np.full((1, 3, 3), 0.2, np.float32)
    wanted = np.float32([[0.1, 0.5, 0.9]])
    np.testing.assert_allclose(reexposed(grey, wanted), wanted[..., None].repeat(3, 2), atol=1e-4)
    orange = np.float32([[[0.4, 0.1, 0.01]]])
    red, green, blue = reexposed(orange, np.float32([[0.75]]))[0, 0]
    assert red == pytest.approx(1, abs=1e-6)
    assert blue < green < red
    assert 0.299 + 0.587 * green + 0.114 * blue == pytest.approx(0.75, abs=1e-4)
    assert to_linear(green) / to_linear(blue) == pytest.approx(10, rel=1e-2)  # what does not clip keeps its ratio


def test_what_a_camera_records_between_the_frames_has_no_error() -> None:
    frames, between = [exposed(scene(), stops) for stops in (-1, 1)], exposed(scene(), 0)
    assert colour_error(frames, between) < 0.05
    assert hue_error(frames, between) < 0.05
    assert chroma_gain(frames, between) == pytest.approx(1, abs=0.005)
    assert false_colour(frames, between) == 0


@pytest.mark.parametrize("share", [0.5, 1.2])
def test_pale_and_garish_pictures_are_seen(share: float) -> None:
    frames = [exposed(scene() * np.float32(0.5), stops) for stops in (-1, 0)]
    y = luma(frames[1])[..., None]
    fused = (y + np.float32(share) * (frames[1] - y)).clip(0, 1)
    assert chroma_gain(frames, fused) == pytest.approx(share, abs=0.07)
    assert colour_error(frames, fused) > 1


def test_a_turned_hue_is_an_error_of_hue_and_paleness_is_none() -> None:
    frame = np.full((40, 40, 3), [0.75, 0.55, 0.3], np.float32)  # a lamp
    pink = np.full((40, 40, 3), [0.75, 0.5, 0.55], np.float32)
    y = luma(frame)[..., None]
    pale = y + (frame - y) / 2
    assert hue_error([frame, frame], pink) > 5
    assert hue_error([frame, frame], pale) < 0.5
    (_, a, b), (_, c, d) = lab((0.75, 0.55, 0.3)), lab((0.75, 0.5, 0.55))
    turn = np.arctan2(d, c) - np.arctan2(b, a)
    expected = 200 * np.sqrt(np.hypot(a, b) * np.hypot(c, d)) * abs(np.sin(turn / 2))
    assert hue_error([frame, frame], pink) == pytest.approx(expected, rel=0.05)  # the frame is re-exposed a little


def test_without_a_frame_that_holds_a_colour_none_is_missed() -> None:
    white, black = np.ones((20, 20, 3), np.float32), np.zeros((20, 20, 3), np.float32)
    red = np.full((20, 20, 3), [0.9, 0.2, 0.1], np.float32)
    assert colour_error([black, white], red) == 0
    assert hue_error([black, white], red) == 0
    assert chroma_gain([black, white], red) == 1


def test_a_sky_that_jumps_from_teal_to_violet_has_a_false_edge_and_one_that_fades_has_none() -> None:
    sky = np.full((120, 200, 3), [0.45, 0.6, 0.8], np.float32)
    teal, violet = np.float32([83, 140, 167]) / 255, np.float32([118, 148, 248]) / 255
    place = np.arange(200, dtype=np.float32)[None, :, None].repeat(120, 0)
    jump, fade = (np.clip((place - 100) / width + 0.5, 0, 1) for width in (2, 600))
    jumps, fades = (teal + share * (violet - teal) for share in (jump, fade))
    assert false_colour([sky, sky * np.float32(0.5)], jumps) > 0.01
    assert false_colour([sky, sky * np.float32(0.5)], fades) == 0
    assert false_colour([sky, jumps], jumps) == 0, "a frame has it"


def test_noise_that_is_lifted_is_seen() -> None:
    noise = rng.normal(0, 0.004, (96, 96, 1)).astype(np.float32)
    dark, bright = (np.clip(level + noise * gain, 0, 1).repeat(3, 2) for level, gain in ((0.05, 1), (0.3, 2)))
    dark, bright = dark.astype(np.float32), bright.astype(np.float32)
    assert shadow_noise([dark, bright], bright) == pytest.approx(1, abs=1e-5)
    for gain in (0.5, 2):
        lifted = (0.3 + (bright - 0.3) * np.float32(gain)).astype(np.float32)
        assert shadow_noise([dark, bright], lifted) == pytest.approx(gain, abs=1e-3)
    assert shadow_noise([bright + np.float32(0.5)] * 2, bright) == 0, "no shadow"
