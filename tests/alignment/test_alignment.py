"""Registration of brackets made here: known scenes, known exposures, known motions."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from support.motions import (
    HEIGHT,
    IDENTITY,
    WIDTH,
    Array,
    bracket,
    corner_error_px,
    hand_motion,
    shift,
)

from deepfuse.alignment import Alignment, AlignmentError, align


@pytest.fixture(scope="module")
def handheld() -> Alignment:
    motions = (hand_motion(9.0, -6.0, 1.5, 1e-5), IDENTITY, hand_motion(-5.0, 4.0, -1.0))
    return align(bracket((-2.0, 0.0, 2.0), motions))


@pytest.mark.parametrize("gap_ev", [2.0, 4.0, 6.0])
@pytest.mark.parametrize("motion", [hand_motion(8.3, -5.6, 1.2), hand_motion(-6.4, 7.7, -1.8, 2e-5)])
def test_recovers_known_homography(gap_ev: float, motion: Array) -> None:
    found = align(bracket((0.0, -gap_ev), (IDENTITY, motion)))
    assert found.reference == 0
    assert corner_error_px(found.homographies[1], motion) < 1.0


def test_homography_maps_frame_to_reference() -> None:
    found = align(bracket((0.0, -2.0), (IDENTITY, shift(7.0, -3.0))))
    x, y, depth = found.homographies[1] @ [100.0, 80.0, 1.0]
    assert [x / depth, y / depth] == pytest.approx([107.0, 77.0], abs=0.3)


def test_warped_frames_show_the_reference_scene(handheld: Alignment) -> None:
    x, y, width, height = handheld.crop
    still = bracket((-2.0, 0.0, 2.0), (IDENTITY,) * 3)
    for warped, expected in zip(handheld.frames, still, strict=True):
        gap = np.abs(warped.astype(float) - expected[y : y + height, x : x + width])
        assert gap.mean() < 3.0


def test_tripod_bracket_comes_back_untouched() -> None:
    frames = bracket((-3.0, 0.0, 3.0), (IDENTITY,) * 3)
    found = align(frames)
    assert np.array_equal(found.homographies, np.stack([IDENTITY] * 3))
    assert all(np.array_equal(a, b) for a, b in zip(found.frames, frames, strict=True))
    assert (found.crop, found.kept_area) == ((0, 0, WIDTH, HEIGHT), 1.0)


def test_smallest_motion_is_left_alone() -> None:
    found = align(bracket((0.0, -2.0), (IDENTITY, shift(0.1, 0.1))))
    assert np.array_equal(found.homographies[1], IDENTITY)


def test_chain_of_five_in_any_order() -> None:
    motions = tuple(hand_motion(3.0 * i, -2.0 * i, 0.3 * i) for i in (2, -2, 0, -1, 1))
    found = align(bracket((4.0, -4.0, 0.0, -2.0, 2.0), motions))
    to_reference = np.linalg.inv(motions[found.reference])
    errors = [corner_error_px(h, to_reference @ m) for h, m in zip(found.homographies, motions, strict=True)]
    assert max(errors) < 1.0
    assert [e.frame for e in found.evidence] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(("dtype", "peak"), [("uint8", 255), ("uint16", 65535), ("float32", 1)])
def test_keeps_the_depth(dtype: str, peak: int) -> None:
    motion = hand_motion(6, 4, 1.0)
    frames = [(f / 255.0 * peak).astype(dtype) for f in bracket((0.0, -2.0), (IDENTITY, motion))]
    found = align(frames)
    assert all(f.dtype == dtype and f.min() >= 0 and f.max() <= peak for f in found.frames)
    assert max(f.max() for f in found.frames) > 0.9 * peak
    assert corner_error_px(found.homographies[1], motion) < 0.5


def test_large_picture_is_refined_at_full_size() -> None:
    motion = hand_motion(6.2, -4.4, 1.0)
    frames = bracket((0.0, -2.0), (IDENTITY, motion))
    large = [cv2.resize(f, None, fx=5, fy=5, interpolation=cv2.INTER_CUBIC) for f in frames]
    enlarge = np.array([[5.0, 0.0, 2.0], [0.0, 5.0, 2.0], [0.0, 0.0, 1.0]])
    found = align(large).homographies[1]
    assert corner_error_px(np.linalg.inv(enlarge) @ found @ enlarge, motion) < 0.1


def test_crop_holds_only_pixels_of_every_frame(handheld: Alignment) -> None:
    x, y, width, height = handheld.crop
    grid = np.stack(np.meshgrid(np.arange(x, x + width), np.arange(y, y + height)), axis=-1)
    for homography in handheld.homographies:
        source = cv2.perspectiveTransform(grid.astype(np.float64), np.linalg.inv(homography))
        assert source.min() >= -1e-4
        assert (source <= [WIDTH - 1 + 1e-4, HEIGHT - 1 + 1e-4]).all()
    assert handheld.kept_area == pytest.approx(width * height / (WIDTH * HEIGHT))
    assert handheld.kept_area > 0.85


def test_best_exposed_frame_is_the_reference() -> None:
    frames = bracket((5.0, -6.0, 0.0), (IDENTITY,) * 3)
    found = align(frames)
    assert found.reference == 2
    assert (found.evidence[2].method, found.evidence[2].registered_to) == ("reference", 2)


def test_same_input_gives_the_same_output() -> None:
    frames = bracket((0.0, -4.0), (IDENTITY, hand_motion(5, 5, 1.0, 1e-5)))
    first, second = align(frames), align(frames)
    assert np.array_equal(first.homographies, second.homographies)
    assert all(np.array_equal(a, b) for a, b in zip(first.frames, second.frames, strict=True))
    assert first.evidence == second.evidence


FRAME = np.full((80, 90, 3), 0.5, dtype=np.float32)


@pytest.mark.parametrize(
    ("frames", "error", "message"),
    [
        ([FRAME], ValueError, "2 or more frames, got 1"),
        ([FRAME, FRAME[:70]], ValueError, r"frame 1: expected \(80, 90, 3\)"),
        ([FRAME, (FRAME * 255).astype(np.uint8)], TypeError, "frame 1: expected float32 .* got uint8"),
        ([FRAME, FRAME * np.nan], ValueError, "frame 1: expected float pixels from 0 to 1, got nan"),
        ([FRAME, FRAME * 3], ValueError, r"frame 1: .* got 1\.5 to 1\.5"),
        ([FRAME.astype(float)] * 2, TypeError, "frame 0: .* got float64"),
        ([FRAME.tolist()] * 2, TypeError, "frame 0: .* got float64"),
        ([FRAME[..., 0]] * 2, ValueError, r"\(height, width, 3\), got \(80, 90\)"),
        ([FRAME[:20]] * 2, AlignmentError, "expected frames of 64 or more .* got 90×20"),
    ],
)
def test_bad_frames_are_named(frames: list[Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        align(frames)


@pytest.mark.parametrize(("name", "value"), [("min_inliers", 4), ("min_kept", 1.5), ("min_kept", np.nan)])
def test_bad_thresholds_are_named(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"{name}: expected"):
        align([FRAME, FRAME], **{name: value})
