"""Frames and their motions → frames on one grid, and where each of them is picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from deepfuse.alignment.geometry import apply, corners, is_identity, translation, warp, warp_mask
from deepfuse.alignment.rectangle import Rectangle, common_rectangle
from deepfuse.alignment.result import Crop, Matrix
from deepfuse.alignment.valid_rectangle import bounds, rectangle_inside
from deepfuse.color import Image, Mask


@dataclass(frozen=True)
class Laid:
    """Frames (height, width, 3) that lie on each other, where each is picture, and the `crop` of the reference.

    `valid` are (height, width), 1 where a frame is picture and 0 elsewhere; `None` where it is everywhere.
    """

    frames: tuple[Image, ...]
    valid: tuple[Mask | None, ...]
    crop: Rectangle


def lay(
    frames: Sequence[Image],
    valid: Sequence[Mask | None],
    homographies: Sequence[Matrix],
    *,
    crop: Crop,
    min_kept: float,
) -> Laid:
    """Lay frames on each other by their motions to the reference, and crop them.

    Args:
        frames: (height, width, 3), alike in shape.
        valid: (height, width), 1 where a frame is picture; all is where `None`.
        homographies: of each frame, in pixels.
        crop: "common", which all frames fill; "none", the reference's own; or "union", which holds them all.
        min_kept: where what all frames show is a smaller share of the picture, what they cover is kept.
    """
    height, width = frames[0].shape[:2]
    box = _box(homographies, width, height, crop)
    known = tuple(
        _valid(mask, motion, box, (height, width), covered=crop == "common")
        for mask, motion in zip(valid, homographies, strict=True)
    )
    inner = _inner(known, box, crop, min_kept * height * width)
    moved = (inner[0] + box[0], inner[1] + box[1], inner[2], inner[3])
    laid = tuple(_cut(frame, motion, moved) for frame, motion in zip(frames, homographies, strict=True))
    return Laid(laid, tuple(_part(mask, inner) for mask in known), moved)


def _box(homographies: Sequence[Matrix], width: int, height: int, crop: Crop) -> Rectangle:
    if crop == "none":
        return 0, 0, width, height
    return (common_rectangle if crop == "common" else _around)(homographies, width, height)


def _around(homographies: Sequence[Matrix], width: int, height: int) -> Rectangle:
    """The smallest rectangle that holds the pixel centres of all frames."""
    points = np.concatenate([apply(motion, corners(width, height)) for motion in homographies])
    left, top = np.floor(points.min(axis=0)).astype(int).tolist()
    right, bottom = np.ceil(points.max(axis=0)).astype(int).tolist()
    return left, top, right - left + 1, bottom - top + 1


def _valid(mask: Mask | None, motion: Matrix, box: Rectangle, shape: tuple[int, int], *, covered: bool) -> Mask | None:
    """Where a frame is picture, in a box of the reference that it covers or not; `None` where it is everywhere."""
    if mask is None and covered:
        return None
    x, y, width, height = box
    if is_identity(motion):
        known = _framed(np.ones(shape, np.uint8) if mask is None else mask, box, cv2.BORDER_CONSTANT)
    else:
        known = warp_mask(mask, translation(-x, -y) @ motion, (width, height), shape)
    return None if known.all() else known


def _inner(known: Sequence[Mask | None], box: Rectangle, crop: Crop, least_px: float) -> Rectangle:
    """The part of the box to be kept: what all frames show, or for the union what any does."""
    whole = (0, 0, box[2], box[3])
    masks = [mask for mask in known if mask is not None]
    if crop == "common" and masks:
        found = rectangle_inside(np.asarray(np.bitwise_and.reduce(masks)))
        return found if found[2] * found[3] >= least_px else whole
    if crop == "union" and len(masks) == len(known):
        return bounds(np.asarray(np.bitwise_or.reduce(masks)))
    return whole


def _part(mask: Mask | None, inner: Rectangle) -> Mask | None:
    if mask is None:
        return None
    x, y, width, height = inner
    part = mask[y : y + height, x : x + width]
    return None if part.all() else part


def _cut(frame: Image, homography: Matrix, crop: Rectangle) -> Image:
    x, y, width, height = crop
    if is_identity(homography):
        return _framed(frame, crop, cv2.BORDER_REPLICATE)
    return warp(frame, translation(-x, -y) @ homography, (width, height))


def _framed(picture: Image, box: Rectangle, border: int) -> Image:
    """A picture in a box that may reach beyond it; a view where it does not."""
    x, y, width, height = box
    before, above = max(-x, 0), max(-y, 0)
    behind, below = max(x + width - picture.shape[1], 0), max(y + height - picture.shape[0], 0)
    part = picture[max(y, 0) : y + height, max(x, 0) : x + width]
    if not any((before, above, behind, below)):
        return part
    return np.asarray(cv2.copyMakeBorder(part, above, below, before, behind, border))


def lay_placed(
    frames: Sequence[Image], valid: Sequence[Mask | None], places: Sequence[tuple[int, int]], *, box: Rectangle
) -> Laid:
    """The same of frames of any size that lie at places (x, y) of a larger picture, of which a box is kept.

    Raises:
        ValueError: a frame has no pixel in the box.
    """
    laid, known = [], []
    for index, (frame, mask, (x, y)) in enumerate(zip(frames, valid, places, strict=True)):
        height, width = frame.shape[:2]
        own = box[0] - x, box[1] - y, box[2], box[3]
        if not (-box[2] < own[0] < width and -box[3] < own[1] < height):
            raise ValueError(f"frame {index}: expected pixels in {_said(box)}, got {_said((x, y, width, height))}")
        mask = np.ones((height, width), np.uint8) if mask is None else mask
        laid.append(_framed(frame, own, cv2.BORDER_REPLICATE))
        known.append(_part(_framed(mask, own, cv2.BORDER_CONSTANT), (0, 0, box[2], box[3])))
    return Laid(tuple(laid), tuple(known), box)


def _said(box: Rectangle) -> str:
    return f"{box[2]}×{box[3]}+{box[0]}+{box[1]}"


def lay_still(frames: Sequence[Image], valid: Sequence[Mask | None], *, crop: Crop, min_kept: float = 0.5) -> Laid:
    """The same of frames that lie on each other already."""
    return lay(frames, valid, [np.eye(3)] * len(frames), crop=crop, min_kept=min_kept)
