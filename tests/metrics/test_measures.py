import math

import cv2
import numpy as np
import pytest
from support.reference_measures import color_quality, order_error

from deepfuse.evaluation import fuse_average, fuse_mertens
from deepfuse.metrics.clipping import clipped_share, pinned_share
from deepfuse.metrics.colour import chroma_gain, colour_error, false_colour, hue_error
from deepfuse.metrics.halo import halo
from deepfuse.metrics.lightness_order import lightness_order_error
from deepfuse.metrics.mef_ssim_c import mef_ssim_c, mef_ssim_c_luminance
from deepfuse.metrics.shadow_noise import shadow_noise

MEASURES = (
    mef_ssim_c,
    mef_ssim_c_luminance,
    lightness_order_error,
    clipped_share,
    pinned_share,
    halo,
    chroma_gain,
    colour_error,
    hue_error,
    false_colour,
    shadow_noise,
)
rng = np.random.default_rng(11)


def flat(*levels: float, size: tuple[int, int] = (8, 8)) -> list[np.ndarray]:
    return [np.full((*size, 3), level, np.float32) for level in levels]


def exposures(k: int, h: int, w: int) -> np.ndarray:
    scene = rng.random((h, w, 3)) * 2
    return np.stack([np.clip(scene * gain, 0, 1).astype(np.float32) for gain in np.geomspace(0.1, 4, k)])


noise = rng.integers(0, 256, (11, 10, 3), dtype=np.uint8)
CASES = {
    "pair": exposures(2, 12, 15),
    "five": exposures(5, 11, 9),
    "noise": rng.random((3, 11, 11, 3)).astype(np.float32),
    "one window": exposures(3, 8, 8),
    "identical": np.repeat(rng.random((1, 10, 10, 3)), 3, 0).astype(np.float32),
    "one flat": np.stack([rng.random((9, 9, 3)).astype(np.float32), *flat(0.3, size=(9, 9))]),
    "all flat": np.stack(flat(0.2, 0.2, 0.9)),
    "black and white": np.stack(flat(0, 1, size=(9, 8))),
    "opposed": np.stack([noise / 255, (255 - noise) / 255]).astype(np.float32),
    "opposed in 8 bits": np.stack([noise, 255 - noise]),
    "16 bits": (exposures(2, 10, 12) * 65535).astype(np.uint16),
}


def unit(picture: np.ndarray) -> np.ndarray:
    """The picture as the package sees it, in float64."""
    scale = 1 if picture.dtype == np.float32 else np.iinfo(picture.dtype).max
    return picture.astype(np.float64) / scale


@pytest.mark.parametrize("name", CASES)
def test_color_quality_equals_the_literal_one(name: str) -> None:
    frames = CASES[name]
    for fused in (frames.mean(0).astype(frames.dtype), frames[0], frames[-1][::-1].copy()):
        assert mef_ssim_c(list(frames), fused) == pytest.approx(color_quality(unit(frames), unit(fused)), abs=1e-6)


def test_color_quality_of_flat_pictures_by_hand() -> None:
    # Only the intensities are left: weights e^(−.09/.08 − .09/.5) and e^(−.01/.08 − .01/.5) at .2 and .6.
    dark, bright = math.exp(-0.09 / 0.08 - 0.09 / 0.5), math.exp(-0.01 / 0.08 - 0.01 / 0.5)
    wanted = (0.2 * dark + 0.6 * bright) / (dark + bright)
    similarity = (2 * wanted * 0.3 + 1e-4) / (wanted**2 + 0.3**2 + 1e-4)
    assert mef_ssim_c(flat(0.2, 0.6), flat(0.3)[0]) == pytest.approx(similarity, abs=1e-7)
    assert mef_ssim_c_luminance(flat(0.2, 0.6), flat(0.3)[0]) == pytest.approx(similarity, abs=1e-7)


def test_the_luminance_is_what_structure_leaves_of_color_quality() -> None:
    frame = rng.uniform(0.3, 0.7, (20, 20, 3)).astype(np.float32)
    brighter = frame + np.float32(0.2)
    assert mef_ssim_c_luminance([frame, frame], brighter) == pytest.approx(mef_ssim_c([frame, frame], brighter))
    assert mef_ssim_c_luminance([frame, frame], frame[..., ::-1].copy()) == pytest.approx(1)


def test_color_quality_sees_brightness_and_colour() -> None:
    frame = rng.uniform(0.3, 0.7, (20, 20, 3)).astype(np.float32)
    assert mef_ssim_c([frame, frame], frame) == pytest.approx(1, abs=1e-9)
    assert mef_ssim_c([frame, frame], frame + np.float32(0.2)) < 0.96
    assert mef_ssim_c([frame, frame], frame[..., ::-1].copy()) < 0.8


@pytest.mark.parametrize(("k", "h", "w"), [(2, 9, 13), (3, 12, 8)])
def test_order_error_equals_the_literal_one(k: int, h: int, w: int) -> None:
    frames = exposures(k, h, w)
    for fused in (rng.random((h, w, 3)).astype(np.float32), frames.mean(0), frames[0]):
        assert lightness_order_error(list(frames), fused) == pytest.approx(order_error(frames, fused), abs=1e-9)


def test_order_error_by_hand() -> None:
    levels = np.array([0.1, 0.3, 0.5, 0.7], np.float32)
    frame = np.repeat(levels, 3).reshape(1, 4, 3)
    swapped = frame[:, [1, 0, 2, 3]]
    assert lightness_order_error([frame, frame], swapped) == pytest.approx(1 / 6)
    assert lightness_order_error([frame, frame], 1 - frame) == 1
    assert lightness_order_error([frame, frame], frame**2) == 0
    assert lightness_order_error([frame, frame], frame * 0 + np.float32([0.5, 0.5, 0.5])) == 0
    assert lightness_order_error(flat(0.2, 0.8), flat(0.5)[0]) == 0


def test_clipped_share_by_hand() -> None:
    dark, bright, fused = (np.full((2, 4, 3), 128, np.uint8) for _ in range(3))
    bright[0, 0] = 255
    dark[0, 0] = 0  # clipped in both frames: does not count
    bright[0, 1, 2] = 255
    fused[0, :3, 0] = [255, 255, 0]
    fused[1, 0] = 254
    assert clipped_share([dark, bright], fused) == pytest.approx(2 / 7)
    as16 = [picture.astype(np.uint16) * 257 for picture in (dark, bright, fused)]
    assert clipped_share(as16[:2], as16[2]) == pytest.approx(2 / 7)
    floats = [(picture / 255).astype(np.float32) for picture in (dark, bright, fused)]
    assert clipped_share(floats[:2], floats[2]) == pytest.approx(2 / 7)
    assert clipped_share(flat(0, 1), flat(1)[0]) == 0


def steps() -> list[np.ndarray]:
    """A bright disc and a bright half on a dark ground with fine texture, at three exposures, (200, 300, 3)."""
    y, x = np.mgrid[:200, :300]
    scene = np.where((x > 200) | (np.hypot(y - 100, x - 90) < 40), 0.5, 0.1) + 0.03 * rng.random((200, 300))
    return [np.repeat(np.clip(scene * gain, 0, 1)[..., None], 3, 2).astype(np.float32) for gain in (0.3, 0.8, 1.5)]


def test_halos_are_told_from_an_average() -> None:
    frames = steps()
    average = fuse_average(frames)
    assert halo(frames, average) < 1e-4
    found = []
    for amount in (0.3, 0.8):
        unsharp = average + amount * (average - cv2.GaussianBlur(average, (0, 0), 15))
        found.append(halo(frames, np.clip(unsharp, 0, 1)))
    assert 0.03 < found[0] < 2 * found[0] < found[1] < 1
    assert halo(frames, 1 - average) > 0.9


def test_more_contrast_alone_is_no_halo() -> None:
    frames = steps()
    assert halo(frames, np.sqrt(fuse_average(frames))) < 0.01
    sharper = fuse_average(frames)
    sharper = np.clip(sharper + 0.8 * (sharper - cv2.GaussianBlur(sharper, (0, 0), 1)), 0, 1)
    assert halo(frames, sharper) < 0.01


def test_halo_of_a_flat_picture_is_none() -> None:
    assert halo(flat(0.1, 0.9), flat(0.5)[0]) == 0


def test_pinned_share_by_hand() -> None:
    dark, middle, bright, fused = (np.full((2, 4, 3), level, np.uint8) for level in (60, 120, 200, 128))
    middle[0, :, 1] = 254  # the highlights of three frames; the bright one decides of two
    dark[0, 0] = 255  # held by none
    fused[0, 1, 0] = 254
    fused[1] = 255  # no highlight: does not count
    assert pinned_share([dark, middle, bright], fused) == pytest.approx(1 / 3)
    assert pinned_share([dark, bright], fused) == 0
    bright[1, :2] = 255
    assert pinned_share([dark, bright], fused) == 1


@pytest.mark.parametrize("measure", MEASURES)
def test_order_and_depth_of_the_frames_do_not_matter(measure, bracket: list[np.ndarray]) -> None:
    fused = fuse_mertens(bracket)
    value = measure(bracket, fused)
    assert measure(bracket[::-1], fused) == pytest.approx(value, abs=1e-9)
    as_float = [(picture / 65535).astype(np.float32) for picture in (*bracket, fused)]
    assert measure(as_float[:-1], as_float[-1]) == pytest.approx(value, abs=1e-5)


@pytest.mark.parametrize("measure", MEASURES)
def test_bad_input_is_refused(measure) -> None:
    good = np.zeros((9, 9, 3), np.uint8)
    with pytest.raises(ValueError, match="2 or more frames, got 1"):
        measure([good], good)
    with pytest.raises(ValueError, match=r"\(9, 8, 3\)"):
        measure([good, good], good[:, :8])
    with pytest.raises(ValueError, match=r"one size \(H, W, 3\)"):
        measure([good[..., 0]] * 2, good[..., 0])
    with pytest.raises(ValueError, match="from 0 to 1"):
        measure([np.full((9, 9, 3), np.nan, np.float32)] * 2, good)
    with pytest.raises(TypeError, match="int64"):
        measure([good, good], good.astype(np.int64))


def test_a_picture_under_a_window_is_refused() -> None:
    with pytest.raises(ValueError, match=r"8 or more pixels each way, got \(7, 9\)"):
        mef_ssim_c([np.zeros((7, 9, 3), np.uint8)] * 2, np.zeros((7, 9, 3), np.uint8))
