"""Homographies as plain matrices: how far they move a picture, whether a camera could have made them."""

from __future__ import annotations

import cv2
import numpy as np

from deepfuse.alignment.result import Matrix
from deepfuse.color import Image, Mask

MAX_SHIFT_SHARE = 0.12  # of the diagonal: more than a hand moves between the frames of a bracket
MAX_SCALE_CHANGE = 0.15  # a small step to or fro; a zoom is no hand's motion
KERNEL = np.ones((5, 5), np.uint8)  # what a cubic kernel reads round a pixel
MAX_PERSPECTIVE = 0.1  # change of the projective depth across the picture


def translation(x_px: float, y_px: float) -> Matrix:
    """The 3x3 matrix that moves points by (`x_px`, `y_px`)."""
    return np.array([[1.0, 0.0, x_px], [0.0, 1.0, y_px], [0.0, 0.0, 1.0]])


def apply(homography: Matrix, points: Matrix) -> Matrix:
    """Map points (N, 2) in pixels."""
    mapped = np.column_stack([points, np.ones(len(points))]) @ homography.T
    return np.asarray(mapped[:, :2] / mapped[:, 2:])


def corners(width: int, height: int) -> Matrix:
    """Centres of the four corner pixels, (4, 2), clockwise from the origin."""
    right, bottom = width - 1.0, height - 1.0
    return np.array([[0.0, 0.0], [right, 0.0], [right, bottom], [0.0, bottom]])


def corner_shift_px(homography: Matrix, width: int, height: int) -> float:
    """Largest displacement of a corner of a `width` x `height` picture, in pixels."""
    before = corners(width, height)
    return float(np.linalg.norm(apply(homography, before) - before, axis=1).max())


def is_identity(homography: Matrix) -> bool:
    """Whether it is exactly the identity."""
    return bool(np.array_equal(homography, np.eye(3)))


def is_camera_motion(homography: Matrix, width: int, height: int) -> bool:
    """Whether a hand could move a camera so between two frames: no fold, little scale, shift, perspective."""
    if not np.isfinite(homography).all() or abs(homography[2, 2]) < 1e-9:
        return False
    unit = homography / homography[2, 2]
    depth = np.column_stack([corners(width, height), np.ones(4)]) @ unit[2]
    if np.abs(depth - 1.0).max() > MAX_PERSPECTIVE:
        return False
    scales = np.linalg.svd(unit[:2, :2], compute_uv=False)
    if np.linalg.det(unit[:2, :2]) <= 0 or np.abs(scales - 1.0).max() > MAX_SCALE_CHANGE:
        return False
    return corner_shift_px(unit, width, height) <= MAX_SHIFT_SHARE * float(np.hypot(width, height))


def to_full_size(homography: Matrix, full: tuple[int, int], proxy: tuple[int, int]) -> Matrix:
    """The homography of the full picture for one found on its proxy; sizes are (width, height) in pixels."""
    x_scale, y_scale = full[0] / proxy[0], full[1] / proxy[1]
    enlarge = translation((x_scale - 1) / 2, (y_scale - 1) / 2) @ np.diag([x_scale, y_scale, 1.0])
    moved = enlarge @ homography @ np.linalg.inv(enlarge)
    return np.asarray(moved / moved[2, 2])


def warp(picture: Image, homography: Matrix, size: tuple[int, int]) -> Image:
    """Move `picture` by `homography` onto a (width, height) grid, cubic, in its own depth and range."""
    border = cv2.BORDER_REPLICATE  # feeds the kernel's rim only: the crop leaves out whatever lies beyond
    warped = cv2.warpPerspective(picture, homography, size, flags=cv2.INTER_CUBIC, borderMode=border)
    if warped.dtype == np.float32:
        np.clip(warped, 0.0, 1.0, out=warped)
    return warped


def warp_mask(mask: Mask | None, homography: Matrix, size: tuple[int, int], shape: tuple[int, int] = (0, 0)) -> Mask:
    """Where a picture that `warp` moves so is known: (height, width) of a (width, height) grid, 1 or 0.

    A pixel for which the kernel reads what is not known, is not. `None` is a picture of `shape` that is known wholly.
    """
    known = np.ones(shape, np.uint8) if mask is None else cv2.erode(mask, KERNEL)
    return np.asarray(cv2.warpPerspective(known, homography, size, flags=cv2.INTER_NEAREST, borderValue=(0,)), np.uint8)
