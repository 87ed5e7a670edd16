"""Rectangles of masks: the largest inside what is valid, the smallest round it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from deepfuse.alignment.rectangle import Rectangle
from deepfuse.color import Mask
from deepfuse.proxy import size_within, whole

SIDE_PX = 256  # of the mask in which the rectangle is looked for; what is lost to that is grown back

Heights = NDArray[np.intp]


def bounds(mask: Mask) -> Rectangle:
    """The smallest rectangle round what is 1 in a mask (height, width); all of it where nothing is."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return 0, 0, mask.shape[1], mask.shape[0]
    return int(columns[0]), int(rows[0]), int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1


def rectangle_inside(mask: Mask) -> Rectangle:
    """A rectangle of a mask (height, width), as large as can be, without the margins that are 0.

    Holes, which do not touch the border, are no margins: what they lack can be taken from other frames.
    """
    inside = _without_holes(mask)
    height, width = mask.shape
    size = size_within(width, height, SIDE_PX)
    x, y, columns, rows = _largest(whole(inside, size))
    scale_x, scale_y = width / size[0], height / size[1]
    left, right = int(np.ceil(x * scale_x)), int((x + columns) * scale_x)
    top, bottom = int(np.ceil(y * scale_y)), int((y + rows) * scale_y)
    return _grown(inside, left, top, right, bottom)


def _without_holes(mask: Mask) -> Mask:
    count, labels = cv2.connectedComponents((mask == 0).astype(np.uint8), connectivity=4)
    margin = np.zeros(count, bool)
    for edge in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        margin[edge] = True
    margin[0] = False
    return np.asarray(~margin[labels], np.uint8)


def _largest(inside: Mask) -> Rectangle:
    """The largest rectangle of ones, by the heights of the columns of ones above each row."""
    heights, best = np.zeros(inside.shape[1] + 1, np.intp), (0, 0, 0, 0)
    for row, line in enumerate(inside):
        heights[:-1] = (heights[:-1] + 1) * line
        x, columns, rows = _largest_below(heights)
        if columns * rows > best[2] * best[3]:
            best = x, row - rows + 1, columns, rows
    return best


def _largest_below(heights: Heights) -> tuple[int, int, int]:
    """The largest rectangle (x, columns, rows) that stands on a line below these heights, the last of which is 0."""
    best, open_at = (0, 0, 0), list[tuple[int, int]]()
    for x, height in enumerate(heights.tolist()):
        start = x
        while open_at and open_at[-1][1] >= height:
            start, rows = open_at.pop()
            if rows * (x - start) > best[1] * best[2]:
                best = start, x - start, rows
        open_at.append((start, height))
    return best


def _grown(inside: Mask, left: int, top: int, right: int, bottom: int) -> Rectangle:
    """Push the sides out while all beyond them is 1."""
    height, width = inside.shape
    if right <= left or bottom <= top:
        return 0, 0, 0, 0
    while left > 0 and inside[top:bottom, left - 1].all():
        left -= 1
    while right < width and inside[top:bottom, right].all():
        right += 1
    while top > 0 and inside[top - 1, left:right].all():
        top -= 1
    while bottom < height and inside[bottom, left:right].all():
        bottom += 1
    return left, top, right - left, bottom - top
