"""Much of the picture moves by itself: clouds over the ground, a bus before a house."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from support.motions import HEIGHT, IDENTITY, MARGIN, Array, corner_error_px, dead_leaves, expose, hand_motion, shift

from deepfuse.alignment import AlignmentError, align

DRIFT_PX = 11


def under_clouds(share: float, drift_px: int, ev: float, motion: Array, seed: int) -> NDArray[np.uint8]:
    """A scene whose upper `share` has drifted by itself."""
    scene, horizon = dead_leaves(3), MARGIN + round(share * HEIGHT)
    scene[:horizon] = np.roll(scene[:horizon], drift_px, axis=1)
    return expose(scene, ev, motion, seed)


def drifting(share: float, motion: Array) -> list[NDArray[np.uint8]]:
    return [under_clouds(share, 0, 0.0, IDENTITY, 0), under_clouds(share, DRIFT_PX, -2.0, motion, 1)]


@pytest.mark.parametrize("share", [0.4, 0.6])
def test_clouds_do_not_move_a_still_camera(share: float) -> None:
    found = align(drifting(share, IDENTITY))
    assert np.array_equal(found.homographies, np.stack([IDENTITY] * 2))


def test_what_says_so_is_named() -> None:
    assert "identity, though much moves" in align(drifting(0.6, IDENTITY)).evidence[1].method


@pytest.mark.parametrize("share", [0.5, 0.6, 0.65])
def test_clouds_over_a_hand_are_no_camera_motion(share: float) -> None:
    motion = hand_motion(6.0, -4.0, 0.8)
    try:
        found = align(drifting(share, motion))
    except AlignmentError:
        return
    assert corner_error_px(np.linalg.inv(found.homographies[0]) @ found.homographies[1], motion) < 2.0


def test_a_third_that_moves_does_not_hinder() -> None:
    motion = shift(-5.0, 7.0)
    found = align(drifting(0.3, motion))
    assert corner_error_px(np.linalg.inv(found.homographies[0]) @ found.homographies[1], motion) < 1.0
