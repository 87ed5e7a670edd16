"""The simplest motion that explains where points went."""

from __future__ import annotations

import cv2
import numpy as np

from deepfuse.alignment.geometry import apply, translation
from deepfuse.alignment.result import Matrix

POINTS_PER_PARAMETER = 3
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
