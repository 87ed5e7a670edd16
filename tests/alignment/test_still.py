"""Frames that show nothing to hold on to: still where all others stand still, unless they say otherwise."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from support.motions import HEIGHT, IDENTITY, WIDTH, Array, bracket, expose, hand_motion, shift

from deepfuse.alignment import AlignmentError, align
from deepfuse.alignment.still import METHOD

Frame = NDArray[np.uint8]
WHITE: Frame = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)


def moon(ev: float, x_px: float = 0.0, seed: int = 0) -> Frame:
    """A disc with a little texture on black, clipped from 3 EV up; the same noise for the same seed."""
    scene = np.full((HEIGHT + 96, WIDTH + 96), 1e-5)
    texture = cv2.GaussianBlur(np.random.default_rng(1).normal(size=scene.shape), (0, 0), 4)
    disc = cv2.circle(np.zeros(scene.shape), (200, 170), 62, 1.0, -1, cv2.LINE_AA) > 0.5
    scene[disc] = 0.15 * np.exp2(0.5 * texture / texture.std())[disc]
    return expose(np.repeat(scene[..., None], 3, axis=2), ev, shift(x_px, 0.0), seed)


def test_a_white_frame_is_still_where_all_others_are() -> None:
    found = align([*bracket((-3.0, 0.0, 3.0), (IDENTITY,) * 3), WHITE])
    assert np.array_equal(found.homographies[3], IDENTITY)
    assert found.evidence[3].method == METHOD
    assert found.record()["evidence"][3]["residual_px"] is None


def test_a_black_frame_is_still_where_all_others_are() -> None:
    found = align([*bracket((-3.0, 0.0, 3.0), (IDENTITY,) * 3), np.zeros_like(WHITE)])
    assert found.evidence[3].method == METHOD


def test_a_white_frame_of_a_hand_is_refused() -> None:
    with pytest.raises(AlignmentError, match="frame 3"):
        align([*bracket((-3.0, 0.0, 3.0), (IDENTITY, IDENTITY, hand_motion(4.0, 2.0, 0.3))), WHITE])


def test_one_other_frame_is_no_evidence() -> None:
    with pytest.raises(AlignmentError, match="frame 1"):
        align([*bracket((0.0,), (IDENTITY,)), WHITE])


def test_the_little_that_is_seen_may_agree() -> None:
    found = align(bracket((-3.0, 0.0, 10.0), (IDENTITY,) * 3))
    assert np.array_equal(found.homographies[2], IDENTITY)


@pytest.mark.parametrize("motion", [shift(5.0, -3.0), shift(0.0, 6.5)])
def test_the_little_that_is_seen_may_object(motion: Array) -> None:
    with pytest.raises(AlignmentError, match="frame 2"):
        align(bracket((-3.0, 0.0, 10.0), (IDENTITY, IDENTITY, motion)))


def test_the_moon_is_proven_still_by_its_outline() -> None:
    found = align([moon(0.0), moon(4.0, seed=1)])
    assert np.array_equal(found.homographies, np.stack([IDENTITY] * 2))


@pytest.mark.parametrize("seed", [0, 1])
def test_the_moon_that_moved_is_not_still_though_the_noise_is(seed: int) -> None:
    try:
        found = align([moon(0.0), moon(4.0, 4.0, seed)])
    except AlignmentError:
        return
    between = np.linalg.inv(found.homographies[0]) @ found.homographies[1]
    assert between[:2, 2] == pytest.approx([4.0, 0.0], abs=1.0)
