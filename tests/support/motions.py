"""Brackets made for the tests of alignment: known scenes, known exposures, known motions."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT, MARGIN = 360, 270, 48
IDENTITY = np.eye(3)
Array = NDArray[np.float64]


def dead_leaves(seed: int) -> Array:
    """Radiance of textured discs of all sizes under light uneven by many stops, with a margin round it."""
    rng = np.random.default_rng(seed)
    height, width = HEIGHT + 2 * MARGIN, WIDTH + 2 * MARGIN
    scene = np.ones((height, width, 3), dtype=np.float32)
    for _ in range(1200):
        centre = int(rng.integers(width)), int(rng.integers(height))
        radius_px = int(4 / np.sqrt(rng.uniform(0.004, 1.0)))
        cv2.circle(scene, centre, radius_px, rng.uniform(0.05, 1.0, 3).tolist(), -1, cv2.LINE_AA)
    light = cv2.GaussianBlur(rng.normal(size=(height, width)), (0, 0), 40)
    grain = cv2.GaussianBlur(rng.normal(size=(height, width)), (0, 0), 1.2)
    stops = 3.0 * light / light.std() + 0.3 * grain / grain.std()
    return np.asarray(scene * np.exp2(stops)[..., None] * 0.2, dtype=np.float64)


def expose(scene: Array, ev: float, motion: Array = IDENTITY, seed: int = 0) -> NDArray[np.uint8]:
    """A noisy clipped 8-bit sRGB frame, `ev` stops up; `motion` maps its pixels to the reference's."""
    onto_frame = np.linalg.inv(motion) @ shift(-MARGIN, -MARGIN)
    seen = cv2.warpPerspective(scene, onto_frame, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC)
    linear = np.clip(seen, 0, None) * 2.0**ev
    noisy = linear + np.random.default_rng(seed).normal(size=linear.shape) * np.sqrt(1e-4 * linear + 1e-7)
    clipped = np.clip(noisy, 0.0, 1.0)
    coded = np.where(clipped <= 0.0031308, 12.92 * clipped, 1.055 * clipped ** (1 / 2.4) - 0.055)
    return np.asarray(np.rint(coded * 255), dtype=np.uint8)


def shift(x_px: float, y_px: float) -> Array:
    return np.array([[1.0, 0.0, x_px], [0.0, 1.0, y_px], [0.0, 0.0, 1.0]])


def hand_motion(x_px: float, y_px: float, degrees: float, perspective: float = 0.0) -> Array:
    """Rotation round the middle, a shift, and a perspective tilt in 1/px."""
    middle = shift(WIDTH / 2, HEIGHT / 2)
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turn = np.array([[c, -s, x_px], [s, c, y_px], [perspective, -perspective / 2, 1.0]])
    motion = middle @ turn @ np.linalg.inv(middle)
    return np.asarray(motion / motion[2, 2])


def corner_error_px(found: Array, true: Array) -> float:
    """Mean distance of the four corners mapped by both homographies."""
    corners = np.array([[[0, 0], [WIDTH - 1, 0], [WIDTH - 1, HEIGHT - 1], [0, HEIGHT - 1]]], dtype=np.float64)
    gap = cv2.perspectiveTransform(corners, found) - cv2.perspectiveTransform(corners, true)
    return float(np.linalg.norm(gap, axis=2).mean())


def bracket(evs: tuple[float, ...], motions: tuple[Array, ...], seed: int = 3) -> list[NDArray[np.uint8]]:
    scene = dead_leaves(seed)
    return [expose(scene, ev, motion, i) for i, (ev, motion) in enumerate(zip(evs, motions, strict=True))]
