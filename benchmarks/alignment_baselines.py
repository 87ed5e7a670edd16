"""What people align brackets with: each takes (reference, frame), uint8 RGB; returns frame to reference or `None`."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Matrix = NDArray[np.float64]


def identity(reference: Picture, frame: Picture) -> Matrix | None:
    """No motion at all."""
    return np.eye(3)


def align_mtb(reference: Picture, frame: Picture) -> Matrix | None:
    """Median threshold bitmaps, a translation (Ward 2003, doi:10.1080/10867651.2003.10487583)."""
    x, y = cv2.createAlignMTB().calculateShift(_grey(reference), _grey(frame))
    return np.array([[1.0, 0.0, x], [0.0, 1.0, y], [0.0, 0.0, 1.0]])


def sift(reference: Picture, frame: Picture) -> Matrix | None:
    """SIFT and RANSAC with OpenCV's defaults and Lowe's ratio."""
    detector = cv2.SIFT.create()
    points, descriptors = detector.detectAndCompute(_grey(frame), None)
    targets, target_descriptors = detector.detectAndCompute(_grey(reference), None)
    if min(len(points), len(targets)) < 4:
        return None
    pairs = cv2.BFMatcher().knnMatch(descriptors, target_descriptors, k=2)
    kept = [pair[0] for pair in pairs if len(pair) == 2 and pair[0].distance < 0.75 * pair[1].distance]
    if len(kept) < 4:
        return None
    source = np.array([points[match.queryIdx].pt for match in kept])
    target = np.array([targets[match.trainIdx].pt for match in kept])
    return _double(cv2.findHomography(source, target, cv2.RANSAC, 3.0)[0])


def ecc(reference: Picture, frame: Picture) -> Matrix | None:
    """Multi-scale ECC after CLAHE (Evangelidis and Psarakis 2008, doi:10.1109/TPAMI.2008.113)."""
    clahe = cv2.createCLAHE(clipLimit=4.0)
    settings = cv2.ECCParameters()
    settings.motionType = cv2.MOTION_HOMOGRAPHY
    try:
        found = cv2.findTransformECCMultiScale(
            clahe.apply(_grey(reference)), clahe.apply(_grey(frame)), np.eye(3, dtype=np.float32), settings
        )[1]
        return np.linalg.inv(found.astype(np.float64))
    except (cv2.error, np.linalg.LinAlgError):
        return None


def _grey(picture: Picture) -> Picture:
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), dtype=np.uint8)


def _double(matrix: NDArray[np.generic] | None) -> Matrix | None:
    return None if matrix is None else matrix.astype(np.float64)
