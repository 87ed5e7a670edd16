"""What an alignment knows and says: no alias of a façade, no sum of errors, how sure the corners are."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from support.motions import (
    HEIGHT,
    IDENTITY,
    MARGIN,
    WIDTH,
    Array,
    bracket,
    corner_error_px,
    dead_leaves,
    expose,
    hand_motion,
    shift,
)

from deepfuse.alignment import AlignmentError, align
from deepfuse.alignment.coarse import best_shifts
from deepfuse.alignment.fitting import likely_motion
from deepfuse.alignment.proxy import make_proxy

SIZE = (WIDTH, HEIGHT)


def facade(period_px: int, dirt: float = 0.03) -> Array:
    """Windows at equal distances on a wall with a little dirt, under a sky."""
    spots = np.log2(dead_leaves(5))
    scene = np.maximum(0.2 + dirt * spots / spots.std(), 0.01)
    scene[: MARGIN + 40] = 1.5
    for y in range(MARGIN + 60, scene.shape[0] - 12, period_px):
        for x in range(6, scene.shape[1] - 12, period_px):
            scene[y : y + period_px // 2, x : x + period_px // 3] = 0.02
    return scene


@pytest.mark.parametrize("period_px", [14, 24, 40])
@pytest.mark.parametrize("moved", [0.5, 1.0, 1.5])
def test_a_facade_does_not_lock_onto_an_alias(period_px: int, moved: float) -> None:
    motion = shift(moved * period_px, 2.0)
    frames = [expose(facade(period_px), ev, m, i) for i, (ev, m) in enumerate(((0.0, IDENTITY), (-3.0, motion)))]
    try:
        result = align(frames)
    except AlignmentError:
        return
    found = np.linalg.inv(result.homographies[0]) @ result.homographies[1]
    assert corner_error_px(found, motion) < 2.0


def test_a_facade_can_be_aligned() -> None:
    frames = [
        expose(facade(24, dirt=0.1), ev, m, i) for i, (ev, m) in enumerate(((0.0, IDENTITY), (-2.0, shift(12.0, 2.0))))
    ]
    result = align(frames)
    found = np.linalg.inv(result.homographies[0]) @ result.homographies[1]
    assert corner_error_px(found, shift(12.0, 2.0)) < 1.0


def test_errors_of_a_long_bracket_do_not_add_up() -> None:
    rng = np.random.default_rng(4)
    motions = tuple(hand_motion(*rng.uniform(-6, 6, 2), float(rng.uniform(-1, 1))) for _ in range(9))
    evs = tuple(np.linspace(-6, 6, 9).tolist())
    result = align(bracket(evs, motions))
    back = np.linalg.inv(motions[result.reference])
    errors = [corner_error_px(h, back @ m) for h, m in zip(result.homographies, motions, strict=True)]
    assert max(errors) < 2.0
    assert np.median(errors) < 0.5


def points(count: int, corner: tuple[float, float]) -> Array:
    """Random points of the picture up to `corner`, shares of its sides."""
    return np.random.default_rng(1).uniform((0.0, 0.0), np.array(SIZE) * corner, (count, 2))


def mapped(motion: Array, where: Array) -> Array:
    return np.asarray(cv2.perspectiveTransform(where[None], motion)[0])


def test_the_likeliest_motion_is_the_true_one_where_points_tell() -> None:
    true = hand_motion(7.0, -3.0, 1.2, 1e-5)
    source = points(300, (1.0, 1.0))
    target = mapped(true, source) + np.random.default_rng(2).normal(scale=0.2, size=source.shape)
    target[::10] += 40.0  # strays
    found = likely_motion(source, target, hand_motion(6.0, -2.0, 1.0), SIZE)
    assert corner_error_px(found, true) < 0.2


def test_few_points_in_a_corner_do_not_bend_the_rest() -> None:
    true = hand_motion(7.0, -3.0, 1.2)
    source = points(40, (0.3, 0.3))
    target = mapped(true, source) + np.random.default_rng(3).normal(scale=0.3, size=source.shape)
    plain, _ = cv2.findHomography(source, target)
    found = likely_motion(source, target, true, SIZE)
    assert corner_error_px(found, true) < 0.3 * corner_error_px(plain, true)


def test_the_best_shift_is_exact_for_whole_pixels() -> None:
    scene = dead_leaves(2)
    here, there = (make_proxy(expose(scene, ev, m)) for ev, m in ((0.0, IDENTITY), (-2.0, shift(11.0, -7.0))))
    assert best_shifts(here, there)[0] == (11.0, -7.0)


def test_the_dark_says_nothing() -> None:
    black: NDArray[np.uint8] = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    with pytest.raises(AlignmentError):
        align([black, black])
