"""Daylight through windows, lamps, and what the walls throw back: irradiance on charts of the surfaces.

Irradiance is divided by π, so that a matt surface's radiance is its reflectance times these numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from deepfuse.simulation.scenery.solids import CHART_AXES, Solid, blocked
from deepfuse.simulation.scenery.texture import Array, Color, Rng, bilinear, vector

BOUNCE_GRID = 7  # light that walls throw back has no edges; its cost grows with the fourth power


@dataclass(frozen=True)
class Window:
    """A rectangle in a face of the room, by its chart axes, m; `panes` across and up, 0 for no glass."""

    face: int
    low: tuple[float, float]
    high: tuple[float, float]
    panes: tuple[int, int]
    sky: Color = (1.0, 1.0, 1.0)

    @property
    def area(self) -> float:
        """In m²."""
        return (self.high[0] - self.low[0]) * (self.high[1] - self.low[1])


@dataclass(frozen=True)
class Lamp:
    """A small bulb; `power` is radiant intensity divided by π."""

    position: tuple[float, float, float]
    power: Color


@dataclass(frozen=True)
class Lights:
    """Everything that shines into a room."""

    windows: tuple[Window, ...]
    lamps: tuple[Lamp, ...]
    sun_direction: tuple[float, float, float]
    sun: Color


def window_points(window: Window, room: Solid, rng: Rng, side: int) -> Array:
    """Jittered points on a window, (3, side²), m."""
    axis = window.face // 2
    steps = (np.indices((side, side)) + rng.random((2, side, side))) / side
    points = np.empty((3, side * side), np.float32)
    points[axis] = room.centre[axis] + (2 * (window.face % 2) - 1) * room.half[axis]
    for chart_axis, low, high, step in zip(CHART_AXES[axis], window.low, window.high, steps, strict=True):
        points[chart_axis] = low + (high - low) * step.ravel()
    return points


def direct(points: Array, normals: Array, lights: Lights, room: Solid, solids: Sequence[Solid], rng: Rng) -> Array:
    """Light of windows and lamps on points (3, n) with normals (3, n), shadows included: (n, 3)."""
    total = np.zeros((points.shape[1], 3), np.float32)
    for window in lights.windows:
        side = 4 if len(lights.windows) == 1 else 3
        for sample in window_points(window, room, rng, side).T:
            form = _form_factor(points, normals, sample, window)
            total += (form * (window.area / side**2))[:, None] * _shaded(points, sample, form, solids, window.sky)
    for lamp in lights.lamps:
        for jitter in rng.normal(0, 0.06, (3, 3)).astype(np.float32):
            sample = np.asarray(lamp.position, np.float32) + jitter
            offset = sample[:, None] - points
            square = np.maximum((offset**2).sum(axis=0), 0.02)
            cosine = np.maximum((offset * normals).sum(axis=0) / np.sqrt(square), 0)
            form = cosine / square / 3
            total += form[:, None] * _shaded(points, sample, form, solids, lamp.power)
    return total


def _form_factor(points: Array, normals: Array, sample: Array, window: Window) -> Array:
    axis, sign = window.face // 2, 2 * (window.face % 2) - 1
    offset = sample[:, None] - points
    square = np.maximum((offset**2).sum(axis=0), 0.03)
    at_point = np.maximum((offset * normals).sum(axis=0), 0)
    at_window = np.maximum(sign * offset[axis], 0)
    return np.asarray(at_point * at_window / (np.pi * square**2), np.float32)


def _shaded(points: Array, sample: Array, form: Array, solids: Sequence[Solid], color: Color) -> Array:
    light = np.zeros((points.shape[1], 3), np.float32)
    seen = np.flatnonzero(form > 1e-6)
    start = points[:, seen]
    hidden = blocked(start, sample[:, None] - start, 0.999, solids)
    light[seen[~hidden]] = color
    return light


def openness(points: Array, normals: Array, solids: Sequence[Solid], rng: Rng, *, rays: int = 14) -> Array:
    """Share of the half-space over each point (3, n) that no solid hides within 1.5 m, (n,)."""
    free = np.zeros(points.shape[1], np.float32)
    for _ in range(rays):
        # A random point of the unit sphere added to the normal is distributed by the cosine law.
        toss = rng.standard_normal((3, points.shape[1]), dtype=np.float32)
        directions = normals + toss / np.linalg.norm(toss, axis=0)
        free += ~blocked(points + 0.004 * normals, directions, 1.5, solids)
    return vector(free / rays)


def sunlit(points: Array, lights: Lights, room: Solid, solids: Sequence[Solid], depth: float) -> Array:
    """Share of the sun that reaches points (3, n), 0 to 1, through windows in walls of `depth` m."""
    lit = np.zeros(points.shape[1], np.float32)
    sun = vector(lights.sun_direction)[:, None]
    for window in lights.windows:
        axis, sign = window.face // 2, 2 * (window.face % 2) - 1
        if sun[axis, 0] * sign <= 0.05:
            continue
        wall = room.centre[axis] + sign * room.half[axis]
        soft = np.full(points.shape[1], np.inf, np.float32)
        for plane in (wall, wall + sign * depth):
            at = points + sun * (plane - points[axis]) / sun[axis]
            soft = np.minimum(soft, inside_margin(window, at))
        soft = np.minimum(soft, bar_margin(window, at))
        lit = np.maximum(lit, np.clip(soft / 0.015 + 0.5, 0, 1))
    near = np.flatnonzero(lit > 0)
    start = points[:, near]
    lit[near[blocked(start, np.broadcast_to(sun, start.shape), 50.0, solids)]] = 0
    return lit


def inside_margin(window: Window, points: Array) -> Array:
    """How far points (3, n) of the window's plane lie inside its edge, m; negative outside."""
    margin = np.full(points.shape[1], np.inf, np.float32)
    for axis, low, high in zip(CHART_AXES[window.face // 2], window.low, window.high, strict=True):
        margin = np.minimum(margin, np.minimum(points[axis] - low, high - points[axis]))
    return margin


def bar_margin(window: Window, points: Array, *, half_bar_m: float = 0.028) -> Array:
    """How far points (3, n) of the window's plane lie from its frame and bars, m; negative on them."""
    margin = np.full(points.shape[1], np.inf, np.float32)
    for axis, low, high, count in zip(CHART_AXES[window.face // 2], window.low, window.high, window.panes, strict=True):
        if count:
            pane = (high - low) / count
            offset = np.mod(points[axis] - low, pane)
            margin = np.minimum(margin, np.minimum(offset, pane - offset) - half_bar_m)
    return margin


def bounced(points: Array, normals: Array, room: Solid, leaving: Array) -> Array:
    """Light on points (3, n) from the room's faces, (n, 3); `leaving` is their radiance, (6, g, g, 3)."""
    patches, inward = room.chart(BOUNCE_GRID)
    extent = [4 * room.half[a] * room.half[b] for a, b in CHART_AXES]
    total = np.zeros((points.shape[1], 3), np.float32)
    for face in range(6):
        area = extent[face // 2] / BOUNCE_GRID**2
        sources = patches[:, face].reshape(3, -1).T * 0.98 + 0.02 * vector(room.centre)
        for source, normal, radiance in zip(
            sources, inward[:, face].reshape(3, -1).T, leaving[face].reshape(-1, 3), strict=True
        ):
            offset = source[:, None] - points
            square = (offset**2).sum(axis=0) + np.float32(area / np.pi)
            here = np.maximum((offset * normals).sum(axis=0), 0)
            there = np.maximum((offset * normal[:, None]).sum(axis=0), 0)
            total += (here * there / square**2 * np.float32(area / np.pi))[:, None] * radiance
    return total


def interreflect(arriving: Array, albedo: Array, room: Solid, *, bounces: int = 3) -> Array:
    """Radiance leaving the room's faces, (6, g, g, 3), from first light (6, n, n, 3) and albedo (6, 3)."""
    points, outward = room.chart(BOUNCE_GRID)
    first = np.stack([cv2.resize(face, (BOUNCE_GRID, BOUNCE_GRID), interpolation=cv2.INTER_AREA) for face in arriving])
    inward = -outward.reshape(3, -1)
    inside = points.reshape(3, -1) * 0.999 + 0.001 * vector(room.centre)[:, None]
    leaving = first * albedo[:, None, None]
    for _ in range(bounces):
        again = bounced(inside, inward, room, leaving).reshape(first.shape)
        leaving = (first + again) * albedo[:, None, None]
    return np.asarray(leaving, np.float32)


def read_chart(chart: Array, face: Array, u: Array, v: Array) -> Array:
    """Values (n, 3) of a chart (6, g, g, 3) at faces and coordinates (n,)."""
    grid = chart.shape[1]
    x = (u + 1) * (0.5 * (grid - 1))
    y = face * grid + (v + 1) * (0.5 * (grid - 1))
    return bilinear(chart.reshape(6 * grid, grid, 3), x.astype(np.float32), y.astype(np.float32))
