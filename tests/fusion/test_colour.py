import numpy as np
import pytest

from deepfuse.color import Float, from_linear, luma, rgb_to_ycbcr, to_float
from deepfuse.fusion import planes
from deepfuse.fusion.colour import exposed, saturated
from deepfuse.fusion.compose import paint
from deepfuse.fusion.gamut import SHOULDER, TOP, fitted
from deepfuse.fusion.planes import Shown, luma_plane, shown_by
from deepfuse.metrics.oklab import oklab
from deepfuse.metrics.reexposure import reexposed

rng = np.random.default_rng(3)


def flat(rgb: tuple[float, float, float]) -> Shown:
    return shown_by(np.full((2, 2, 3), rgb, np.float32))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_planes_are_luma_and_chroma(dtype: type) -> None:
    top = 1 if dtype == np.float32 else np.iinfo(dtype).max
    pixels = (top * rng.random((7, 50, 3), np.float32)).astype(dtype)
    found = shown_by(pixels)
    y, (blue, red) = found.y, found.colour
    expected, chroma = rgb_to_ycbcr(to_float(pixels))
    assert (luma_plane(pixels) == y).all()
    np.testing.assert_allclose(y, luma(to_float(pixels)), atol=1e-6)
    np.testing.assert_allclose(y, expected, atol=1e-6)
    np.testing.assert_allclose(blue / 1.772 + 0.5, chroma[..., 0], atol=1e-6)
    np.testing.assert_allclose(red / 1.402 + 0.5, chroma[..., 1], atol=1e-6)
    assert (found.largest == pixels.max(-1)).all()
    assert (found.smallest == pixels.min(-1)).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("size", [(1, 1), (300, 211)])
def test_a_frame_painted_at_its_own_luma_comes_back(dtype: type, size: tuple[int, int]) -> None:
    top = np.iinfo(dtype).max
    pixels = rng.integers(1, top, (*size, 3), dtype)
    painted = np.empty_like(pixels)
    paint(painted, luma_plane(pixels), [pixels], "exposed")
    untouched = pixels.max(-1) < SHOULDER * top
    assert (painted == pixels)[untouched].all()
    np.testing.assert_allclose(painted / top, pixels / top, atol=0.15)  # what nears the end bends, and keeps its luma


def test_pixels_need_not_lie_together() -> None:
    pixels, painted = rng.integers(0, 255, (9, 40, 6), np.uint8), np.zeros((9, 50, 3), np.uint8)
    expected = np.zeros((9, 30, 3), np.uint8)
    for frame in (pixels[:, ::-1, ::-1][:, :30, :3], pixels.swapaxes(0, 1)[5:14, :, :3].repeat(4, 1)[:, :30]):
        whole = np.ascontiguousarray(frame)
        paint(painted[:, 10:40], luma_plane(frame), [frame], "exposed")
        paint(expected, luma_plane(whole), [whole], "exposed")
        assert (painted[:, 10:40] == expected).all()
    assert not painted[:, :10].any()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("piece_px", [1, 20, 77])
def test_pieces_leave_no_trace(dtype: type, piece_px: int, monkeypatch: pytest.MonkeyPatch) -> None:
    top = 1 if dtype == np.float32 else np.iinfo(dtype).max
    frames = [(top * gain * rng.random((99, 17, 3), np.float32)).astype(dtype) for gain in (0.4, 1)]
    y, whole, made = luma_plane(frames[0]) + np.float32(0.3), np.empty_like(frames[0]), np.empty_like(frames[0])
    paint(whole, y, frames, "exposed")
    monkeypatch.setattr(planes, "PIECE_PX", piece_px)
    paint(made, y, frames, "exposed")
    np.testing.assert_array_equal(made, whole)


def test_what_leaves_the_range_is_clipped() -> None:
    painted = np.empty((1, 2, 3), np.uint8)
    paint(painted, np.array([[-0.2, 1.7]], np.float32), [np.full_like(painted, 128)], "saturated")
    assert painted[0].tolist() == [[0, 0, 0], [255, 255, 255]]


def test_colours_are_brought_into_the_range_at_their_luma() -> None:
    y = rng.random(20_000, np.float32)
    colour = tuple((4 * (rng.random(20_000, np.float32) - np.float32(0.5)) * y) for _ in range(2))
    rgb = np.stack(fitted(y, colour), -1)
    assert rgb.min() >= -1e-6
    assert np.quantile(rgb[y < 0.9].max(-1), 0.999) <= TOP + 2e-3
    assert rgb.max() <= 1 + 1e-6
    np.testing.assert_allclose(luma(rgb), y, atol=1e-4)


def test_greys_stay_and_what_fits_is_untouched() -> None:
    y = np.linspace(0, 1, 1001, dtype=np.float32)
    for plane in fitted(y, (np.zeros_like(y), np.zeros_like(y))):
        np.testing.assert_allclose(plane, y, atol=1e-5)
    mild = 0.9 * rng.random((500, 3), np.float32)
    shown = shown_by(mild[None])
    np.testing.assert_allclose(np.stack(fitted(shown.y, shown.colour), -1)[0], mild, atol=1e-6)


def hue(rgb: Float) -> float:
    """The hue in Oklab in degrees: red is at 29, yellow at 110, pink below 20."""
    _, a, b = oklab(np.asarray(rgb, np.float32).reshape(1, 1, 3))[0, 0]
    return float(np.degrees(np.arctan2(b, a)) % 360)


def test_warm_light_goes_over_yellow_to_white_and_never_over_pink() -> None:
    lamp = flat((0.5, 0.22, 0.04))
    hues, chromas = [], []
    for level in (0.4, 0.55, 0.7, 0.85):
        y = np.full_like(lamp.y, level)
        red, green, blue = (float(plane.flat[0]) for plane in fitted(y, exposed([lamp], y)))
        assert blue < green < red
        hues.append(hue(np.float32([red, green, blue])))
        chromas.append(red - blue)
    assert hues == sorted(hues)
    assert 45 < hues[0] < hues[-1] < 112
    assert chromas[-1] < chromas[-2]


def test_chroma_is_weighted_by_its_distance_from_neutral() -> None:
    # Two frames at -0.1 and 0.3: (0.1 · -0.1 + 0.3 · 0.3) / 0.4 = 0.2; neutral ones stay neutral.
    frames = [(np.float32([-0.1, 0]), np.float32([0, 0.3])), (np.float32([0.3, 0]), np.float32([0, -0.1]))]
    blue, red = saturated(frames)
    np.testing.assert_allclose(blue, [0.2, 0], atol=1e-6)
    np.testing.assert_allclose(red, [0, 0.2], atol=1e-6)


def camera(radiance: Float, stops: float) -> Float:
    """An ideal camera."""
    return from_linear(np.minimum(radiance * np.float32(2**stops), 1))


@pytest.mark.parametrize("between", [-1.5, -0.5, 0.5])
def test_colours_are_those_of_the_camera_at_the_exposure_between(between: float) -> None:
    radiance = rng.uniform(0.02, 0.3, (40, 50, 3)).astype(np.float32)
    wanted = camera(radiance, between)
    y = luma_plane(wanted)
    frames = [shown_by(camera(radiance, stops)) for stops in (-2, 1)]
    found = np.stack(fitted(y, exposed(frames, y)), -1)
    assert np.abs(found - wanted).mean() < 1.5 / 255
    assert np.abs(oklab(found) - oklab(wanted))[..., 1:].mean() < 0.004


def test_no_seam_where_one_frame_passes_to_the_next() -> None:
    """Along a ramp of one orange light, which the bright frame clips, the colours change as the camera's do."""
    light = np.geomspace(0.02, 4, 3000, dtype=np.float32)[None, :, None] * np.float32([1, 0.5, 0.2])
    frames = [shown_by(camera(light, stops)) for stops in (-3, 1)]
    y = np.linspace(0.2, 0.85, 3000, dtype=np.float32)[None]
    found = np.stack(fitted(y, exposed(frames, y)), -1)
    true = reexposed(light, y)
    steps, wanted = (np.abs(np.diff(oklab(rgb)[..., 1:], axis=1)).max() for rgb in (found, true))
    assert steps < wanted + 0.0005
    assert np.abs(oklab(found) - oklab(true))[..., 1:].max() < 0.04


def test_a_white_or_black_frame_lends_no_colour() -> None:
    good, white, black = flat((0.7, 0.5, 0.3)), flat((1, 1, 1)), flat((0.01, 0.01, 0.01))
    np.testing.assert_allclose(exposed([black, good, white], good.y), good.colour, atol=0.01)
    darker = good.y * np.float32(0.9)
    alone, among = exposed([good], darker), exposed([black, good, white], darker)
    np.testing.assert_allclose(among, alone, atol=0.01)


def test_what_a_frame_clips_is_right_at_its_own_luma() -> None:
    """A sky whose blue is clipped is as pale as that in every camera: no dark frame makes it violet there."""
    sky, dark = flat((0.6, 0.85, 1)), flat((0.01, 0.05, 0.25))
    np.testing.assert_allclose(exposed([dark, sky], sky.y), sky.colour, atol=0.05)


def test_frames_without_trust_still_give_a_colour() -> None:
    cream = flat((1, 1, 0.8))
    np.testing.assert_allclose(exposed([flat((0, 0, 0)), cream], cream.y), cream.colour, atol=0.02)
    nothing = exposed([flat((0, 0, 0)), flat((1, 1, 1))], np.full((2, 2), 0.5, np.float32))
    np.testing.assert_allclose(nothing, 0, atol=1e-6)
