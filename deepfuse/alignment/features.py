"""SIFT matches between two exposures that were first made to look alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from deepfuse.alignment.fitting import residual_px, simplest_motion
from deepfuse.alignment.proxy import Proxy
from deepfuse.alignment.result import Matrix
from deepfuse.color import Float, Mask

MAX_FEATURES = 3000  # every one is compared with every other
CONTRAST_THRESHOLD = 0.004  # OpenCV's 0.04 finds nothing in a frame six stops down
RATIO = 0.8  # Lowe 2004, section 7.1
INLIER_PX = 2.0  # of the proxy: how well a feature is placed in another exposure
MIN_MATCHES = 8  # twice what a homography needs


@dataclass(frozen=True)
class Match:
    """A homography from frame to reference in proxy pixels, the matches that carry it, their median error."""

    homography: Matrix
    inliers: int
    residual_px: float


def match_features(reference: Proxy, frame: Proxy, normalise: Callable[[Proxy, Proxy], Mask]) -> Match | None:
    """Match SIFT features and fit a homography with MAGSAC++; `None` without a fit.

    `normalise(picture, other)` renders the first as uint8 so that it resembles the second.
    Source: Barath et al. 2020, doi:10.1109/CVPR42600.2020.00138.
    """
    sift = cv2.SIFT.create(nfeatures=MAX_FEATURES, contrastThreshold=CONTRAST_THRESHOLD)
    points, descriptors = sift.detectAndCompute(normalise(frame, reference), frame.valid)
    targets, target_descriptors = sift.detectAndCompute(normalise(reference, reference), reference.valid)
    if len(points) < MIN_MATCHES or len(targets) < MIN_MATCHES:
        return None
    pairs = cv2.BFMatcher(cv2.NORM_L2).knnMatch(descriptors, target_descriptors, k=2)
    kept = [first for first, second in pairs if first.distance < RATIO * second.distance]
    if len(kept) < MIN_MATCHES:
        return None
    source = np.array([points[m.queryIdx].pt for m in kept])
    target = np.array([targets[m.trainIdx].pt for m in kept])
    return _fit(source, target)


def _fit(source: Matrix, target: Matrix) -> Match | None:
    homography, mask = cv2.findHomography(source, target, cv2.USAC_MAGSAC, INLIER_PX, maxIters=5000)
    if homography is None or not mask.any():
        return None
    inside = mask.ravel() > 0
    source, target = source[inside], target[inside]
    model = simplest_motion(source, target, INLIER_PX)
    return Match(model, len(source), residual_px(model, source, target))


def by_histogram(picture: Proxy, other: Proxy) -> Mask:
    """Give `picture` the tones of `other`: equal ranks become equal values."""
    share = np.linspace(0.0, 1.0, 1024)
    source, target = np.quantile(picture.luma, share), np.quantile(other.luma, share)
    return _as_bytes(np.interp(picture.luma, source, target))


def by_local_contrast(picture: Proxy, other: Proxy) -> Mask:
    """Local contrast, -3 to 3, as bytes; `other` does not matter."""
    return _as_bytes((picture.contrast + 3.0) / 6.0)


def by_clahe(picture: Proxy, other: Proxy) -> Mask:
    """Tones spread by rank, then CLAHE; `other` does not matter."""
    share = np.linspace(0.0, 1.0, 1024)
    ranks = _as_bytes(np.interp(picture.luma, np.quantile(picture.luma, share), share))
    return np.asarray(cv2.createCLAHE(clipLimit=4.0, tileGridSize=(8, 8)).apply(ranks), dtype=np.uint8)


NORMALISATIONS: dict[str, Callable[[Proxy, Proxy], Mask]] = {
    "sift after histogram matching": by_histogram,
    "sift after local normalisation": by_local_contrast,
    "sift after clahe": by_clahe,
}


def _as_bytes(values: Float | Matrix) -> Mask:
    return np.asarray(np.rint(np.clip(values, 0.0, 1.0) * 255), dtype=np.uint8)
