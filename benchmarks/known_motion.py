"""Brackets moved by known homographies: how a hand moves, what the moved camera sees, how far an answer is off."""

from __future__ import annotations

import itertools

import cv2
import numpy as np
from alignment_baselines import Matrix, Picture, ecc, sift

from deepfuse.bracket import Exposure
from deepfuse.color import to_float

MARGIN_SHARE = 0.05  # of the diagonal, cut off all round: what the motion brings in must have been photographed
MOVED_PX = 0.75


def random_motion(rng: np.random.Generator, frame: Picture, *, kind: int) -> Matrix:
    """A homography from the reference's pixels to the moved frame's: 0 shift, 1 also rotation, 2 also perspective."""
    height, width = frame.shape[:2]
    diagonal = float(np.hypot(width, height))
    centre = np.array([width / 2, height / 2])
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float64)
    shift, angle = rng.uniform(-0.02, 0.02, 2) * diagonal, np.deg2rad(rng.uniform(-1.5, 1.5)) * (kind > 0)
    jitter = rng.uniform(-0.006, 0.006, (4, 2)) * diagonal * (kind > 1)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    target = (corners - centre) @ turn.T + centre + shift + jitter
    return np.asarray(cv2.getPerspectiveTransform(corners.astype(np.float32), target.astype(np.float32)))


def move(frames: list[Picture], motions: list[Matrix]) -> list[Picture]:
    """Each frame as the moved camera saw it, without a margin; motions are in pixels of what is left."""
    height, width = frames[0].shape[:2]
    margin = round(MARGIN_SHARE * float(np.hypot(width, height)))
    inwards = np.array([[1.0, 0.0, margin], [0.0, 1.0, margin], [0.0, 0.0, 1.0]])
    made = []
    for frame, motion in zip(frames, motions, strict=True):
        whole = inwards @ motion @ np.linalg.inv(inwards)
        same = np.array_equal(motion, np.eye(3))
        moved = frame if same else cv2.warpPerspective(frame, whole, (width, height), flags=cv2.INTER_CUBIC)
        made.append(np.ascontiguousarray(moved[margin:-margin, margin:-margin]))
    return made


def corner_error_px(found: Matrix, true: Matrix, picture: Picture) -> float:
    """Mean distance of the four corners under the two homographies, in pixels."""
    height, width = picture.shape[:2]
    corners = np.array([[[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]]], dtype=np.float64)
    apart = cv2.perspectiveTransform(corners, found) - cv2.perspectiveTransform(corners, true)
    return float(np.linalg.norm(apart, axis=2).mean())


def stood_still(frames: list[Picture], stops: list[float]) -> bool:
    """Whether ECC and SIFT do not agree that the camera moved between two neighbours in exposure."""
    order = np.argsort(stops)
    for dark, bright in itertools.pairwise(order):
        found = [method(frames[dark], frames[bright]) for method in (ecc, sift)]
        moved = [corner_error_px(motion, np.eye(3), frames[0]) for motion in found if motion is not None]
        if len(moved) == 2 and min(moved) > MOVED_PX and abs(moved[0] - moved[1]) < MOVED_PX / 2:
            return False
    return True


def brightness_stops(exposures: list[Exposure], frames: list[Picture]) -> list[float]:
    """How much light each frame took, in stops: from EXIF, else chained from pixels that no two neighbours clip."""
    if (evs := [exposure.ev for exposure in exposures]).count(None) == 0:
        return [-ev for ev in evs if ev is not None]
    linear = [(np.maximum(to_float(frame).mean(axis=2), 1e-4)) ** 2.2 for frame in frames]
    order = np.argsort([picture.mean() for picture in linear])
    stops = np.zeros(len(frames))
    for dark, bright in itertools.pairwise(order):
        ratio = linear[bright] / linear[dark]
        usable = (linear[bright] < 0.8) & (linear[dark] > 0.002)
        stops[bright] = stops[dark] + np.log2(np.median(ratio[usable]) if usable.any() else ratio.mean())
    return [float(stop) for stop in stops]


def octave(height: int, width: int, cell: int) -> np.ndarray:
    """Smooth noise with cells of `cell` pixels."""
    coarse = np.random.default_rng(cell).random((height // cell + 2, width // cell + 2), dtype=np.float32)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
