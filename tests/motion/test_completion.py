"""Frames that are picture only in part are filled from the others, so that nobody sees where."""

from __future__ import annotations

import numpy as np
import pytest
from support.motions import HEIGHT, IDENTITY, WIDTH, bracket

from deepfuse.motion import completed, shown_by
from deepfuse.motion.completion import continued

GARBAGE = (255, 0, 0)


def masked(frame: np.ndarray, hole: tuple[slice, slice]) -> tuple[np.ndarray, np.ndarray]:
    valid = np.ones(frame.shape[:2], np.uint8)
    valid[hole] = 0
    frame = frame.copy()
    frame[hole] = GARBAGE
    return frame, valid


@pytest.mark.parametrize("hole", [np.s_[:, :40], np.s_[:30], np.s_[90:150, 120:200]])
@pytest.mark.parametrize("index", [0, 1, 2])
def test_what_is_filled_is_what_the_frame_would_have_shown(hole: tuple[slice, slice], index: int) -> None:
    frames = bracket((-1.5, 0.0, 1.5), (IDENTITY,) * 3)
    given, valid = masked(frames[index], hole)
    made = completed([*frames[:index], given, *frames[index + 1 :]], [None] * index + [valid] + [None] * (2 - index), 1)
    others = [at for at in range(3) if at != index]
    assert all(made[at] is frames[at] for at in others)
    error = np.abs(made[index].astype(int) - frames[index])
    told = max(frames, key=lambda frame: (frame is not frames[index], -frame.mean())).max(axis=2)[hole] < 240
    assert np.median(error[hole]) <= 4
    assert np.quantile(error[hole][told], 0.98) <= 40
    assert error[valid > 0].mean() < 1


def test_pixels_far_from_the_margin_are_not_touched() -> None:
    frames = bracket((-1.5, 0.0), (IDENTITY,) * 2)
    given, valid = masked(frames[0], np.s_[:, :40])
    made = completed([given, frames[1]], [valid, None], 1)
    assert np.array_equal(made[0][:, 70:], frames[0][:, 70:])
    assert np.array_equal(given[0, 0], GARBAGE), "what came in is left as it was"


def test_it_comes_from_whoever_shows_it() -> None:
    frames = bracket((-1.5, 0.0, 1.5), (IDENTITY,) * 3)
    (dark, first), (middle, second) = masked(frames[0], np.s_[:, :60]), masked(frames[1], np.s_[:, :30])
    made = completed([dark, middle, frames[2]], [first, second, None], 1)
    for found, true in zip(made, frames, strict=True):
        assert np.median(np.abs(found[:, :60].astype(int) - true[:, :60])) <= 8
        assert not (np.abs(found[:, :30].astype(int) - GARBAGE).sum(axis=2) < 30).any()


def test_where_no_frame_shows_anything_the_edge_goes_on() -> None:
    frames = bracket((-1.5, 0.0), (IDENTITY,) * 2)
    given, valid = zip(*(masked(frame, np.s_[:, :40]) for frame in frames), strict=True)
    made = completed(given, valid, 1)
    assert all((found[:, :40] == true[:, 40:41]).all() for found, true in zip(made, frames, strict=True))
    shown = shown_by(1, valid)
    assert shown is not None
    assert np.array_equal(shown, valid[0])
    assert shown_by(1, [valid[0], None]) is None
    assert shown_by(1, [valid[0], 1 - valid[0]]) is None


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_other_depths_are_filled_alike(dtype: type) -> None:
    frames = bracket((-1.5, 0.0), (IDENTITY,) * 2)
    scale = 257 if dtype == np.uint16 else np.float32(1 / 255)
    given, valid = masked(frames[0], np.s_[:, :40])
    eight = completed([given, frames[1]], [valid, None], 1)[0]
    deep = completed([(frame * dtype(scale)).astype(dtype) for frame in (given, frames[1])], [valid, None], 1)[0]
    assert deep.dtype == dtype
    assert np.abs(deep / dtype(scale) - eight).max() <= 1.5


def test_whole_frames_are_the_arrays_that_came_in() -> None:
    frames = bracket((-1.5, 0.0), (IDENTITY,) * 2)
    assert all(a is b for a, b in zip(completed(frames, [None, None], 0), frames, strict=True))


def test_a_frame_that_shows_nothing_comes_from_the_others() -> None:
    frames = bracket((-1.5, 0.0), (IDENTITY,) * 2)
    nothing = np.zeros((HEIGHT, WIDTH), np.uint8)
    assert np.array_equal(continued(frames[0], nothing), frames[0])
    made = completed(frames, [nothing, None], 1)
    assert made[0].shape == frames[0].shape
