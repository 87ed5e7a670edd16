"""The motion that explains where points went: the simplest one, or the likeliest for a hand-held camera."""

from __future__ import annotations

import cv2
import numpy as np

from deepfuse.alignment.geometry import apply, translation
from deepfuse.alignment.result import Matrix

POINTS_PER_PARAMETER = 3  # two coordinates each; fewer would fit their own noise
NOISE_PX = 0.25  # of a tile's place; with it and what is to be expected, few points in a corner do not bend the rest
STEPS = 4  # of Gauss-Newton, which starts within a few pixels of where it ends
# What a motion is made of, about the centre of the picture and in units of half its diagonal: shift along x and y,
# scale, rotation, aspect, shear, perspective along x and y; and the standard deviation to expect of each.
BASIS = np.zeros((8, 3, 3))
BASIS[0, 0, 2] = BASIS[1, 1, 2] = BASIS[6, 2, 0] = BASIS[7, 2, 1] = 1.0
BASIS[2, :2, :2], BASIS[3, :2, :2] = [[1.0, 0.0], [0.0, 1.0]], [[0.0, -1.0], [1.0, 0.0]]
BASIS[4, :2, :2], BASIS[5, :2, :2] = [[1.0, 0.0], [0.0, -1.0]], [[0.0, 1.0], [1.0, 0.0]]
EXPECTED = np.array([0.3, 0.3, 0.05, 0.1, 0.003, 0.003, 0.006, 0.006])
FREER_GAIN = 0.85  # of the simpler model's residual, or the simpler one stands, which strays less at corners


def simplest_motion(source: Matrix, target: Matrix, inlier_px: float = 0.5) -> Matrix:
    """Identity, translation, similarity or homography from `source` to `target`, points (N, 2) in pixels.

    A freer model must have enough points and leave clearly less than the simpler one.
    """
    best, least = np.eye(3), residual_px(np.eye(3), source, target)
    for parameters, fit in ((2, _translation), (4, _similarity), (8, _homography)):
        model = fit(source, target, inlier_px) if len(source) >= POINTS_PER_PARAMETER * parameters else None
        left = least if model is None else residual_px(model, source, target)
        if model is not None and left < FREER_GAIN * least:
            best, least = model, left
    return best


def likely_motion(source: Matrix, target: Matrix, start: Matrix, size: tuple[int, int]) -> Matrix:
    """The most probable homography from `source` to `target`, points (N, 2) in pixels of a (width, height) picture.

    Maximum a posteriori: Gaussian noise in the points, of which strays count little, and `EXPECTED` as the prior, by
    Gauss-Newton steps from `start`.
    """
    width, height = size
    half = float(np.hypot(width, height)) / 2
    inwards = np.diag([1 / half, 1 / half, 1.0]) @ translation(-width / 2, -height / 2)
    outwards = np.linalg.inv(inwards)
    here, there = apply(inwards, source), apply(inwards, target)
    noise = NOISE_PX / half
    found = _coordinates(inwards @ start @ outwards)
    for _ in range(STEPS):
        motion = np.eye(3) + np.tensordot(found, BASIS, 1)
        left = there - apply(motion, here)
        slopes = _slopes(motion, here)
        weight = 1 / np.maximum(np.linalg.norm(left, axis=1), noise) ** 2
        precision = np.einsum("n,nci,ncj->ij", weight, slopes, slopes) + np.diag(EXPECTED**-2)
        found = found + np.linalg.solve(
            precision, np.einsum("n,nci,nc->i", weight, slopes, left) - found * EXPECTED**-2
        )
    motion = outwards @ (np.eye(3) + np.tensordot(found, BASIS, 1)) @ inwards
    return np.asarray(motion / motion[2, 2])


def _coordinates(motion: Matrix) -> Matrix:
    """`motion` less the identity, in terms of `BASIS`."""
    rest = motion / motion[2, 2] - np.eye(3)
    return np.asarray(np.einsum("kij,ij->k", BASIS, rest) / np.einsum("kij,kij->k", BASIS, BASIS))


def _slopes(motion: Matrix, points: Matrix) -> Matrix:
    """How the mapped `points` (N, 2) move with each coordinate of `motion`, (N, 2, 8)."""
    flat = np.column_stack([points, np.ones(len(points))])
    mapped = flat @ motion.T
    moves = np.einsum("kij,nj->nik", BASIS, flat) / mapped[:, 2, None, None]
    return np.asarray(moves[:, :2] - (mapped[:, :2] / mapped[:, 2:])[:, :, None] * moves[:, 2:])


def residual_px(model: Matrix, source: Matrix, target: Matrix) -> float:
    """Median distance between `source` mapped by `model` and `target`."""
    return float(np.median(np.linalg.norm(apply(model, source) - target, axis=1)))


def _translation(source: Matrix, target: Matrix, inlier_px: float) -> Matrix | None:
    return translation(*np.median(target - source, axis=0))


def _similarity(source: Matrix, target: Matrix, inlier_px: float) -> Matrix | None:
    model, _ = cv2.estimateAffinePartial2D(source, target, method=cv2.RANSAC, ransacReprojThreshold=inlier_px)
    return None if model is None else np.vstack([model, [0.0, 0.0, 1.0]])


def _homography(source: Matrix, target: Matrix, inlier_px: float) -> Matrix | None:
    model, _ = cv2.findHomography(source, target, cv2.USAC_MAGSAC, inlier_px)
    return None if model is None else np.asarray(model, dtype=np.float64)
