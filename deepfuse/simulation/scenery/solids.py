"""Boxes, balls and drums: where rays meet them, and a chart of their surfaces.

Lengths are metres; x points right, y up, z away from the camera. Vectors are float32 arrays (3, ...).
Every solid is charted like a cube: 6 faces, each with coordinates u and v from −1 to 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from deepfuse.simulation.scenery.texture import Array, Color, vector

# The two axes that u and v follow, for a face across x, y and z.
CHART_AXES = ((2, 1), (0, 2), (0, 1))


@dataclass(frozen=True)
class Solid:
    """A unit cube, sphere or upright cylinder, stretched to `half` (m), turned by `yaw` (rad)."""

    kind: Literal["box", "ball", "drum"]
    centre: tuple[float, float, float]
    half: tuple[float, float, float]
    yaw: float = 0.0
    albedo: Color = (0.5, 0.5, 0.5)
    texture: int = 0
    glow: Color = (0.0, 0.0, 0.0)
    casts_shadow: bool = True

    def local(self, vectors: Array, *, points: bool) -> Array:
        """World vectors (3, ...) in the solid's unit frame; directions are turned but not moved."""
        cx, cy, cz = self.centre if points else (0.0, 0.0, 0.0)
        x, y, z = vectors[0] - cx, vectors[1] - cy, vectors[2] - cz
        cos, sin = math.cos(self.yaw), math.sin(self.yaw)
        return vector([(cos * x - sin * z) / self.half[0], y / self.half[1], (sin * x + cos * z) / self.half[2]])

    def world(self, vectors: Array, *, points: bool) -> Array:
        """Unit-frame points (3, ...) or normals in the world; normals come back with length 1."""
        factor = np.array(self.half, np.float32) if points else 1 / np.array(self.half, np.float32)
        x, y, z = vectors * factor.reshape(3, *[1] * (vectors.ndim - 1))
        cos, sin = math.cos(self.yaw), math.sin(self.yaw)
        turned = vector([cos * x + sin * z, y, cos * z - sin * x])
        if not points:
            return vector(turned / np.linalg.norm(turned, axis=0))
        return turned + np.array(self.centre, np.float32).reshape(3, *[1] * (vectors.ndim - 1))

    def distance(self, origins: Array, directions: Array) -> Array:
        """Ray parameter t of the first hit, (...), infinite where the ray misses or starts inside."""
        origin, direction = self.local(origins, points=True), self.local(directions, points=False)
        direction = np.where(np.abs(direction) < 1e-7, np.float32(1e-7), direction)
        if self.kind == "ball":
            near, far = _quadratic(origin, direction, (0, 1, 2))
        else:
            near, far = _slabs(origin, direction, (0, 1, 2) if self.kind == "box" else (1,))
            if self.kind == "drum":
                side_near, side_far = _quadratic(origin, direction, (0, 2))
                near, far = np.maximum(near, side_near), np.minimum(far, side_far)
        return np.where((near < far) & (near > 0), near, np.float32(np.inf))

    def chart(self, n: int) -> tuple[Array, Array]:
        """World points and outward normals, each (3, 6, n, n), on a grid over all faces."""
        v, u = np.meshgrid(np.linspace(-1, 1, n), np.linspace(-1, 1, n), indexing="ij")
        points = np.empty((3, 6, n, n), np.float32)
        for face in range(6):
            axis, sign = face // 2, 2.0 * (face % 2) - 1
            points[axis, face] = sign
            points[CHART_AXES[axis][0], face], points[CHART_AXES[axis][1], face] = u, v
        normals = np.zeros_like(points)
        for face in range(6):
            normals[face // 2, face] = points[face // 2, face]
        if self.kind == "ball":
            points /= np.linalg.norm(points, axis=0)
            normals = points
        elif self.kind == "drum":
            sides = [0, 1, 4, 5]
            points[::2, sides] /= np.linalg.norm(points[::2, sides], axis=0)
            normals[::2, sides] = points[::2, sides]
        return self.world(points, points=True), self.world(normals, points=False)

    def locate(self, points: Array) -> tuple[NDArray[np.intp], Array, Array]:
        """Face, u and v, each (n,), of world points (3, n) on the surface."""
        p = self.local(points, points=True)
        size = np.abs(p)
        if self.kind == "drum":
            size[1] = np.where(size[1] > 0.9995, 2.0, 0.0)
        axis = size.argmax(axis=0)
        index = np.arange(axis.size)
        main = p[axis, index]
        u, v = p[np.array([2, 0, 0])[axis], index], p[np.array([1, 2, 1])[axis], index]
        if self.kind == "ball" or self.kind == "drum":
            flat = (axis == 1) if self.kind == "drum" else np.zeros_like(axis, bool)
            u = np.where(flat, u, u / np.abs(main))
            v = v if self.kind == "drum" else v / np.abs(main)
        return axis * 2 + (main > 0), np.clip(u, -1, 1), np.clip(v, -1, 1)


def _slabs(origin: Array, direction: Array, axes: Sequence[int]) -> tuple[Array, Array]:
    near, far = vector(-np.inf), np.float32(np.inf)
    for axis in axes:
        first = (-1 - origin[axis]) / direction[axis]
        second = (1 - origin[axis]) / direction[axis]
        near = np.maximum(near, np.minimum(first, second))
        far = np.minimum(far, np.maximum(first, second))
    return np.asarray(near), np.asarray(far)


def _quadratic(origin: Array, direction: Array, axes: Sequence[int]) -> tuple[Array, Array]:
    a = sum(direction[axis] ** 2 for axis in axes)
    b = sum(origin[axis] * direction[axis] for axis in axes)
    c = sum(origin[axis] ** 2 for axis in axes) - np.float32(1)
    root = np.sqrt(np.maximum(b * b - a * c, 0))
    missed = b * b < a * c
    near = np.where(missed, np.float32(np.inf), (-b - root) / a)
    return near, np.where(missed, vector(-np.inf), (-b + root) / a)


def blocked(points: Array, directions: Array, reach: float, solids: Sequence[Solid]) -> NDArray[np.bool_]:
    """Whether a solid that casts shadows lies within `reach` (ray parameter) of points (3, n) that way."""
    hidden = np.zeros(points.shape[1], bool)
    square = np.einsum("ij,ij->j", directions, directions)
    for solid in solids:
        if solid.casts_shadow:
            near = np.flatnonzero(~hidden & _near_ball(solid, points, directions, square))
            t = solid.distance(points[:, near], directions[:, near])
            hidden[near] = (t > 1e-3) & (t < reach)
    return hidden


def _near_ball(solid: Solid, points: Array, directions: Array, square: Array) -> NDArray[np.bool_]:
    """Whether rays come near the ball around a solid: a cheap test that spares most of the exact ones."""
    offset = vector(solid.centre)[:, None] - points
    along = np.einsum("ij,ij->j", offset, directions)
    apart = np.einsum("ij,ij->j", offset, offset) - np.float32(np.sum(np.square(solid.half)))
    return np.asarray((apart < 0) | ((along > 0) & (apart * square < along * along)), np.bool_)
