"""Brackets of one scene in which a rectangle is there in one frame alone."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from support.pictures import textured_radiance
from support.reference_photo import encode

from deepfuse.color import Image, from_float

HEIGHT, WIDTH = 240, 320
MOVER = (slice(90, 150), slice(140, 170))
STOPS = {2: (-1.5, 1.5), 3: (-2, 0, 2), 5: (-4, -2, 0, 2, 4)}
Radiance = NDArray[np.float32]


def scene() -> Radiance:
    return cv2.GaussianBlur(textured_radiance(HEIGHT, WIDTH, 3), (0, 0), 0.8)


def shot(radiance: Radiance, stops: float, seed: int = 0, dtype: type = np.uint16) -> Image:
    """A noisy frame, sRGB-encoded."""
    linear = radiance * np.float32(2.0**stops)
    noise = np.random.default_rng(seed).normal(size=linear.shape) * np.sqrt(1e-5 * linear + 1e-7)
    return from_float(encode(linear + noise).astype(np.float32), np.dtype(dtype))


def shots(radiances: Sequence[Radiance], dtype: type = np.uint16) -> list[Image]:
    stops = STOPS[len(radiances)]
    return [shot(r, stop, seed, dtype) for seed, (r, stop) in enumerate(zip(radiances, stops, strict=True))]


def with_mover(radiance: Radiance, light: float = 0.02) -> Radiance:
    changed = radiance.copy()
    changed[MOVER] = (light, 0.5 * light, 0.7 * light)
    return changed


def moving(count: int, at: int, light: float = 0.02, dtype: type = np.uint16) -> list[Image]:
    """A bracket in which frame `at` alone shows a mover."""
    return shots([with_mover(scene(), light) if index == at else scene() for index in range(count)], dtype)
