"""The common rectangle against a mask of pixels, by trial."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from support.motions import IDENTITY, Array, shift

from deepfuse.alignment import rectangle
from deepfuse.alignment.rectangle import common_rectangle

AWAY_PX = 1e-3  # from a border: there rounding decides whether a pixel is in


@st.composite
def motions(draw: st.DrawFn, most: float) -> Array:
    """A rotation, a scale, a shift and a tilt, about the middle of a 40×30 picture, up to `most` of a large one."""
    angle, scale, x, y, tilt_x, tilt_y = (
        draw(st.floats(-most * large, most * large)) for large in (0.3, 0.15, 30, 20, 2e-3, 2e-3)
    )
    scale += 1
    c, s = scale * np.cos(angle), scale * np.sin(angle)
    motion = np.array([[c, -s, x], [s, c, y], [tilt_x, tilt_y, 1.0]])
    return shift(20, 15) @ motion @ shift(-20, -15)


SIZES = st.tuples(st.integers(2, 40), st.integers(2, 30))  # width, height


@given(found=st.lists(motions(1), min_size=1, max_size=3), size=SIZES)
@settings(max_examples=200, deadline=None)
def test_it_is_the_largest_of_all(found: list[Array], size: tuple[int, int]) -> None:
    x, y, width, height = common_rectangle(found, *size)
    assert everywhere(found, size, -AWAY_PX)[y : y + height, x : x + width].all()
    assert width * height >= largest_by_trial(everywhere(found, size, AWAY_PX))


@given(found=st.lists(motions(0.25), min_size=1, max_size=3), size=SIZES)
@settings(max_examples=200, deadline=None)
def test_a_coarse_search_first_finds_it_too_where_it_may_be_kept(found: list[Array], size: tuple[int, int]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rectangle, "COARSE_COLUMNS", 8)
        x, y, width, height = common_rectangle(found, *size)
    assert everywhere(found, size, -AWAY_PX)[y : y + height, x : x + width].all()
    best = largest_by_trial(everywhere(found, size, AWAY_PX))
    assert best < size[0] * size[1] / 2 or width * height >= best


def everywhere(motions_: list[Array], size: tuple[int, int], within_px: float) -> NDArray[np.bool_]:
    """Where all frames cover the reference's pixels, (height, width), by that much or more."""
    return np.logical_and.reduce([valid_pixels(motion, *size, within_px) for motion in motions_])


def valid_pixels(motion: Array, width: int, height: int, within_px: float) -> NDArray[np.bool_]:
    """Where a frame covers the reference's pixels, (height, width), by that much or more."""
    grid = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1)
    source = cv2.perspectiveTransform(grid.astype(np.float64), np.linalg.inv(motion))
    top = np.array([width - 1, height - 1])
    return np.asarray(((source >= within_px) & (source <= top - within_px)).all(axis=2))


def largest_by_trial(mask: NDArray[np.bool_]) -> int:
    """Area of the largest all-true rectangle: every pair of rows, longest run of columns true in between."""
    best = 0
    for top in range(mask.shape[0]):
        for bottom in range(top, mask.shape[0]):
            run = longest = 0
            for whole in np.all(mask[top : bottom + 1], axis=0):
                run = run + 1 if whole else 0
                longest = max(longest, run)
            best = max(best, longest * (bottom - top + 1))
    return best


def test_a_whole_pixel_shift_is_exact() -> None:
    assert common_rectangle([IDENTITY, shift(7, -3)], 100, 60) == (7, 0, 93, 57)
    assert common_rectangle([shift(200, 0)], 100, 60) == (0, 0, 0, 0)
