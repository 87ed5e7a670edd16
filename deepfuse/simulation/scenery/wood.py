"""A wood against a low sun, painted from far to near; radiance is relative to a bright sky of about 1."""

from __future__ import annotations

import math

import cv2
import numpy as np

from deepfuse.simulation.scenery.outdoors import green, leaves, paint_ground, paint_sky, smoothstep
from deepfuse.simulation.scenery.texture import Array, Rng, bilinear, fractal, vector


def render_wood(rng: Rng, width: int, height: int) -> Array:
    """A wood against a low sun, (height, width, 3): each nearer layer is darker and hides those behind."""
    rows, columns = 2 * height, 2 * width
    horizon = int(rng.uniform(0.55, 0.68) * rows)
    picture = paint_sky(rng, rows, columns, horizon) * np.float32(0.3)
    sun = (rng.uniform(0.2, 0.8) * columns, horizon - rng.uniform(0.12, 0.4) * rows)
    _glow(picture, sun, rows)
    haze = picture[horizon - 8 : horizon].mean(axis=(0, 1)) * vector([1.0, 0.92, 0.8])
    paint_ground(picture, rng, horizon)
    y = np.arange(rows - horizon, dtype=np.float32)[:, None, None] / (rows - horizon)
    picture[horizon:] = picture[horizon:] * (0.5 * np.exp(-4 * y) + 0.05) + haze * 0.25 * np.exp(-14 * y)
    for nearness in np.linspace(0.1, 1.0, 7) ** 1.5:
        _stand(picture, rng, haze, horizon, sun, float(nearness))
    small = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32)


def _glow(picture: Array, sun: tuple[float, float], rows: int) -> None:
    y, x = np.indices(picture.shape[:2], dtype=np.float32)
    distance = np.hypot(x - sun[0], y - sun[1]) / rows
    halo = 0.35 * np.exp(-distance / 0.2) + 3.0 * np.exp(-distance / 0.025)
    disc = 40.0 * (1 - smoothstep(distance, 0.026, 0.03))
    picture += (halo + disc)[..., None] * vector([1.0, 0.85, 0.6])


def _stand(picture: Array, rng: Rng, haze: Array, horizon: int, sun: tuple[float, float], nearness: float) -> None:
    """One row of trees; `nearness` is 0 for far and hazy, 1 for close and dark; trees spare the sun."""
    rows, columns = picture.shape[:2]
    foot = horizon + 0.5 * (rows - horizon) * nearness
    veil = 0.45 * (1 - nearness) ** 3
    light = 0.02 * (1 - nearness) ** 2 + 0.0015
    for _ in range(max(2, int(26 * (1 - nearness)))):
        x, girth = rng.uniform(0, columns), rows * (0.004 + 0.022 * nearness) * rng.uniform(0.6, 1.4)
        if abs(x - sun[0]) < 0.05 * rows + girth:
            continue
        base = (float(x), foot + float(rng.uniform(0, 0.1)) * rows * nearness)
        _cast_shadow(picture, base, girth, (sun[0], float(horizon)))
        _trunk(picture, rng, base, girth, light, veil * haze)
        for _ in range(int(rng.integers(2, 6))):
            spread = rows * (0.08 + 0.22 * nearness)
            centre = (
                x + rng.normal(0, 1.0) * spread,
                foot - rows * rng.uniform(0.25, 0.75) * (0.5 + nearness),
            )
            tone = green(rng, light * 4)
            color = (tone[0] + veil * haze[0], tone[1] + veil * haze[1], tone[2] + veil * haze[2])
            radius = spread * rng.uniform(0.3, 0.7)
            if math.dist(centre, sun) > 0.07 * rows + radius:
                leaves(picture, rng, centre, radius, color, leaf=0.036, count=320)


def _cast_shadow(picture: Array, foot: tuple[float, float], girth: float, vanishing: tuple[float, float]) -> None:
    """Darken the ground from a trunk's foot away from the sun's place on the horizon, px."""
    if foot[1] - vanishing[1] < 2:
        return
    stretch = (picture.shape[0] - vanishing[1]) / (foot[1] - vanishing[1])
    corners = []
    for side, scale in ((-1, 1.0), (1, 1.0), (1, stretch), (-1, stretch)):
        x = vanishing[0] + (foot[0] + side * girth - vanishing[0]) * scale
        corners.append((np.clip(x, -30000, 30000), vanishing[1] + (foot[1] - vanishing[1]) * scale))
    mask = np.zeros(picture.shape[:2], np.uint8)
    cv2.fillConvexPoly(mask, np.array(corners).astype(np.int32), 1)
    top = int(foot[1])
    picture[top:] *= 1 - 0.55 * vector(mask[top:])[..., None]


def _trunk(picture: Array, rng: Rng, foot: tuple[float, float], girth: float, light: float, veil: Array) -> None:
    """A trunk with bark from `foot` (x, y) out of the picture's top, px."""
    bottom, left, right = int(foot[1]), int(foot[0] - girth), int(foot[0] + girth) + 1
    lean = rng.normal(0, 0.04)
    y = np.arange(bottom, dtype=np.float32)[:, None]
    x = np.arange(max(0, left - 60), min(picture.shape[1], right + 60), dtype=np.float32)[None]
    if x.size < 2:
        return
    axis = foot[0] + lean * (bottom - y)
    across = (x - axis) / (girth * (0.55 + 0.45 * y / bottom))
    bark = fractal(rng, 256, 64, slope=0.8)[..., None]
    columns = (np.arcsin(np.clip(across, -0.99, 0.99)) * 16 + 32).astype(np.float32)
    grain = bilinear(bark, columns.ravel() % 62, np.broadcast_to(y * 0.25 % 254, across.shape).ravel())
    relief = np.clip(1 + 0.4 * grain.reshape(across.shape), 0.2, 2.5) * (0.6 + 0.5 * across**2)
    color = relief[..., None] * vector([1.0, 0.7, 0.45]) * light + veil
    mask = (1 - smoothstep(np.abs(across), 0.95, 1.0))[..., None]
    part = picture[:bottom, int(x[0, 0]) : int(x[0, -1]) + 1]
    part += mask * (color - part)
