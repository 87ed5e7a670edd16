"""The largest upright rectangle that every warped frame fills."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from deepfuse.alignment.result import Matrix

TOLERANCE_PX = 1e-6  # forgives rounding where a border falls exactly on a pixel centre
COARSE_COLUMNS = 256  # each pair of them is tried, then each near the best pair

Columns = NDArray[np.intp]
Rectangle = tuple[int, int, int, int]  # x, y, width, height in pixels


def common_rectangle(homographies: Iterable[Matrix], width: int, height: int) -> Rectangle:
    """Find the largest rectangle of reference pixels whose centres fall inside every frame.

    Args:
        homographies: each 3x3, frame to reference, in pixels; all pictures are `width` x `height`.

    Returns:
        (x, y, width, height) in pixels of the reference, all zero where nothing is common.
    """
    lines = np.concatenate([_inside_lines(h, width, height) for h in homographies])
    top, bottom = _row_limits(lines, width, height)
    columns = np.arange(width)
    step = max(1, width // COARSE_COLUMNS)
    coarse = columns[::step]
    left, right = _best_pair(coarse, coarse, top, bottom)
    # The area is a product of concave functions of (left, right): its peak is single. Only what is narrower than a
    # coarse step may be missed, and no bracket of which so little is left is kept.
    left, right = _best_pair(_around(left, step, width), _around(right, step, width), top, bottom)
    y = max(top[left], top[right])
    rows, count = min(bottom[left], bottom[right]) - y + 1, right - left + 1
    return (int(left), int(y), int(count), int(rows)) if rows > 0 else (0, 0, 0, 0)


def _inside_lines(homography: Matrix, width: int, height: int) -> Matrix:
    """Half-planes (8, 3) of reference points that fall inside the frame: line @ (x, y, 1) >= 0."""
    x, y, depth = np.linalg.inv(homography)
    frame = [x, (width - 1) * depth - x, y, (height - 1) * depth - y]
    own = [[1.0, 0, 0], [-1.0, 0, width - 1], [0, 1.0, 0], [0, -1.0, height - 1]]
    return np.array([*frame, *own])


def _row_limits(lines: Matrix, width: int, height: int) -> tuple[Matrix, Matrix]:
    """First and last whole row inside all half-planes, per column; first > last where there is none."""
    columns = np.arange(width)
    top, bottom = np.zeros(width), np.full(width, height - 1.0)
    for a, b, c in lines / np.linalg.norm(lines[:, :2], axis=1, keepdims=True):
        offset = a * columns + c + TOLERANCE_PX
        if abs(b) < 1e-12:
            bottom = np.where(offset >= 0, bottom, -1.0)
        elif b > 0:
            top = np.maximum(top, np.ceil(-offset / b))
        else:
            bottom = np.minimum(bottom, np.floor(-offset / b))
    return top, bottom


def _best_pair(lefts: Columns, rights: Columns, top: Matrix, bottom: Matrix) -> tuple[int, int]:
    rows = np.minimum.outer(bottom[lefts], bottom[rights]) - np.maximum.outer(top[lefts], top[rights]) + 1
    area = np.maximum(rows, 0) * np.maximum(rights[None, :] - lefts[:, None] + 1, 0)
    i, j = np.unravel_index(int(area.argmax()), area.shape)
    return int(lefts[i]), int(rights[j])


def _around(centre: int, reach: int, width: int) -> Columns:
    return np.arange(max(0, centre - 2 * reach), min(width, centre + 2 * reach + 1))
