"""How a hand moves a camera between the frames of a bracket."""

from __future__ import annotations

import numpy as np

from deepfuse.simulation.camera.sensor import Homography

# What a hand may do between the frames of a bracket, and alignment must cope with.
SHIFT_SHARE = 0.012
ROTATION_DEG = 0.8
PERSPECTIVE_SHARE = 0.002


def hand_motion(rng: np.random.Generator, frames: int, *, width: int, height: int) -> list[Homography]:
    """One random homography a frame, the identity for the middle one.

    Each maps pixel coordinates of the reference view to the frame's. Shifts are up to 1.2 % of the diagonal, rotations
    about the centre up to 0.8°, and perspective moves the corners by up to 0.2 % of the diagonal.
    """
    return [np.eye(3) if index == frames // 2 else _random_homography(rng, width, height) for index in range(frames)]


def _random_homography(rng: np.random.Generator, width: int, height: int) -> Homography:
    diagonal = float(np.hypot(width, height))
    x, y = rng.uniform(-SHIFT_SHARE, SHIFT_SHARE, 2) * diagonal
    angle = np.deg2rad(rng.uniform(-ROTATION_DEG, ROTATION_DEG))
    tilt_x, tilt_y = rng.uniform(-PERSPECTIVE_SHARE, PERSPECTIVE_SHARE, 2) * 4 / diagonal
    turn = np.array([[np.cos(angle), -np.sin(angle), x], [np.sin(angle), np.cos(angle), y], [tilt_x, tilt_y, 1.0]])
    centre = np.array([[1.0, 0.0, width / 2], [0.0, 1.0, height / 2], [0.0, 0.0, 1.0]])
    return np.asarray(centre @ turn @ np.linalg.inv(centre), np.float64)
