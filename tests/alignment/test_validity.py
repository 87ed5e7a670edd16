"""Frames that are picture only in part, and the crop that is made of them."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from support.motions import HEIGHT, IDENTITY, WIDTH, Array, bracket, corner_error_px, dead_leaves, expose, shift

from deepfuse.alignment import align, lay_still
from deepfuse.alignment.valid_rectangle import bounds, rectangle_inside

MOTION = shift(9.0, -5.0)


def half_masked() -> tuple[list[np.ndarray], list[np.ndarray | None]]:
    """Two frames, the second of which is another scene in 60 % of its width, which is not valid."""
    reference, frame = bracket((0.0, -2.0), (IDENTITY, MOTION))
    other = expose(dead_leaves(9), -2.0, seed=4)
    valid = np.ones((HEIGHT, WIDTH), np.uint8)
    valid[:, : int(0.6 * WIDTH)] = 0
    return [reference, np.where(valid[..., None] > 0, frame, other)], [None, valid]


def test_what_is_not_valid_says_nothing_of_the_motion() -> None:
    frames, valid = half_masked()
    found = align(frames, valid=valid, min_kept=0.3)
    assert corner_error_px(found.homographies[1], MOTION) < 1.0
    x, y, width, height = found.crop
    assert x >= int(0.6 * WIDTH) + 9
    assert width > 0.35 * WIDTH
    assert y + height <= HEIGHT - 5
    assert found.valid == (None, None)


def test_a_crop_that_would_keep_too_little_keeps_what_other_frames_show() -> None:
    frames, valid = half_masked()
    found = align(frames, valid=valid, min_kept=0.5)
    x, _, width, _ = found.crop
    assert (x, width) == (9, WIDTH - 9)
    assert found.valid[0] is None
    assert found.valid[1] is not None
    assert found.valid[1].mean() == pytest.approx(0.38, abs=0.01)


def test_the_reference_is_exposed_well_where_it_is_valid() -> None:
    frames = bracket((0.0, 0.5), (IDENTITY, IDENTITY))
    best = align(frames).reference
    valid: list[Array | None] = [None, None]
    valid[best] = np.zeros((HEIGHT, WIDTH), np.uint8)
    valid[best][:, : WIDTH // 2] = 1
    assert align(frames, valid=valid).reference == 1 - best


def test_none_keeps_the_frame_of_the_reference() -> None:
    frames = bracket((0.0, -2.0), (IDENTITY, MOTION))
    found = align(frames, crop="none")
    assert (found.crop, found.kept_area) == ((0, 0, WIDTH, HEIGHT), 1.0)
    assert np.shares_memory(found.frames[0], frames[0])
    assert found.valid[0] is None
    mask = found.valid[1]
    assert mask is not None
    assert mask[:-7, 11:].all()
    assert not mask[:, :7].any()
    assert not mask[-3:].any()
    x, y, width, height = (common := align(frames)).crop
    assert np.abs(found.frames[1][y : y + height, x : x + width].astype(int) - common.frames[1]).mean() < 0.1


def test_union_holds_all_frames() -> None:
    frames = bracket((0.0, -2.0), (IDENTITY, MOTION))
    found = align(frames, crop="union")
    x, y, width, height = found.crop
    assert (x, y) == (0, -5)
    assert (width, height) == pytest.approx((WIDTH + 9, HEIGHT + 5), abs=1)
    assert found.kept_area > 1
    first, second = found.valid
    assert first is not None
    assert second is not None
    assert np.array_equal(found.frames[0][5 : 5 + HEIGHT, :WIDTH], frames[0])
    assert first.sum() == WIDTH * HEIGHT
    assert first[5 : 5 + HEIGHT, :WIDTH].all()
    assert second[2:-8, 11:-2].all()


def test_frames_that_lie_on_each_other_are_cropped_to_what_is_valid() -> None:
    frames = bracket((0.0, -2.0), (IDENTITY, IDENTITY))
    valid = np.ones((HEIGHT, WIDTH), np.uint8)
    valid[:20] = valid[:, -30:] = 0
    assert lay_still(frames, [None, valid], crop="common").crop == (0, 20, WIDTH - 30, HEIGHT - 20)
    assert lay_still(frames, [valid, valid], crop="union").crop == (0, 20, WIDTH - 30, HEIGHT - 20)
    whole = lay_still(frames, [None, valid], crop="none")
    assert whole.crop == (0, 0, WIDTH, HEIGHT)
    assert np.array_equal(whole.valid[1], valid)
    untouched = lay_still(frames, [None, None], crop="common")
    assert all(np.shares_memory(a, b) for a, b in zip(untouched.frames, frames, strict=True))


def test_a_hole_is_no_margin() -> None:
    mask = np.ones((HEIGHT, WIDTH), np.uint8)
    mask[100:150, 120:200] = 0
    mask[:, :12] = 0
    assert rectangle_inside(mask) == (12, 0, WIDTH - 12, HEIGHT)


@pytest.mark.parametrize("seed", range(6))
def test_the_rectangle_is_the_largest(seed: int) -> None:
    rng = np.random.default_rng(seed)
    mask = np.zeros((14, 18), np.uint8)
    for _ in range(4):
        top, left = rng.integers(0, 8, 2)
        mask[top : top + rng.integers(3, 7), left : left + rng.integers(4, 11)] = 1
    x, y, width, height = rectangle_inside(mask)
    assert mask[y : y + height, x : x + width].all()
    tries = product(range(14), range(15), range(18), range(19))
    areas = ((b - a) * (d - c) for a, b, c, d in tries if b > a and d > c and mask[a:b, c:d].all())
    assert width * height == max(areas)


def test_a_large_mask_is_looked_through_small_and_the_rectangle_grown_back() -> None:
    mask = np.zeros((1501, 2003), np.uint8)
    mask[101:1403, 57:1911] = 1
    assert rectangle_inside(mask) == bounds(mask) == (57, 101, 1854, 1302)


def test_bad_masks_are_named() -> None:
    frames = bracket((0.0, -2.0), (IDENTITY, IDENTITY))
    with pytest.raises(ValueError, match="valid: expected one a frame, 2, got 1"):
        align(frames, valid=[None])
    with pytest.raises(ValueError, match=r"valid 1: expected uint8 of \(270, 360\), got bool of \(2, 2\)"):
        align(frames, valid=[None, np.ones((2, 2), bool)])
    with pytest.raises(ValueError, match="valid 0: expected 1 or 0, got 255"):
        align(frames, valid=[np.full((HEIGHT, WIDTH), 255, np.uint8), None])
    with pytest.raises(ValueError, match="crop: expected one of common, union, none, got all"):
        align(frames, crop="all")  # type: ignore[arg-type]
