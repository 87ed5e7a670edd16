"""Frames in which little is neither black nor clipped: the outlines of what is tell how they lie."""

from __future__ import annotations

import numpy as np
import pytest
from support.motions import IDENTITY, Array, bracket, corner_error_px, hand_motion

from deepfuse.alignment import align
from deepfuse.alignment.alike import common_curves
from deepfuse.alignment.proxy import BLACK, make_proxy


@pytest.mark.parametrize("motion", [IDENTITY, hand_motion(8.3, -5.6, 1.2)])
def test_a_nearly_white_frame_is_aligned_by_its_outlines(motion: Array) -> None:
    frames = bracket((0.0, 9.0), (IDENTITY, motion))
    assert (frames[1].min(axis=2) < 250).mean() < 0.15
    found = align(frames)
    assert "in common tones" in found.evidence[1].method
    assert corner_error_px(found.homographies[1], motion) < 2.0


def test_a_nearly_white_frame_on_a_tripod_is_not_resampled() -> None:
    found = align(bracket((0.0, 9.0), (IDENTITY, IDENTITY)))
    assert np.array_equal(found.homographies[1], IDENTITY)


def test_common_tones_are_the_same_in_both() -> None:
    dark, bright = (make_proxy(frame) for frame in bracket((-6.0, 5.0), (IDENTITY, IDENTITY)))
    (of_dark, of_bright), (of_bright_again, _) = common_curves(dark, bright), common_curves(bright, dark)
    here, there = of_dark.apply(dark), of_bright.apply(bright)
    assert np.median(np.abs(here.luma - there.luma)) < 0.05
    assert here.valid.all()
    assert there.valid.all()
    assert np.array_equal(of_bright.after, of_bright_again.after)


def test_what_one_cannot_tell_apart_is_flat_in_the_other() -> None:
    dark, bright = (make_proxy(frame) for frame in bracket((-10.0, 0.0), (IDENTITY, IDENTITY)))
    of_dark, of_bright = common_curves(dark, bright)
    flat = (dark.luma <= BLACK).mean()
    assert flat > 0.02
    assert (of_bright.apply(bright).luma <= of_bright.after[0] + 1e-6).mean() == pytest.approx(flat, abs=0.01)
    assert of_dark.apply(dark).luma.min() >= of_bright.after[0] - 1e-6
