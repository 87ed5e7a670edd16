"""A furnished room or a bare hall, seen by a ray caster: matt surfaces, windows, lamps, a view outside."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from deepfuse.simulation.scenery import light as lit
from deepfuse.simulation.scenery.decoration import PX_PER_M, grains, paint_shell
from deepfuse.simulation.scenery.furniture import furnish, place_windows
from deepfuse.simulation.scenery.light import Lights, Window
from deepfuse.simulation.scenery.outdoors import HORIZON_ROW, look_out, paint_view
from deepfuse.simulation.scenery.solids import CHART_AXES, Solid
from deepfuse.simulation.scenery.texture import Array, Rng, look_up, vector

WALL_M = 0.22  # thickness: a brick and its plaster
SHELL_GRID, SOLID_GRID = 64, 8  # cells a side: 10 cm of wall, a few cm of furniture
VIEW_DIMMING = 0.45  # the sky that lights the floor stands higher, and is brighter, than the one in view


@dataclass(frozen=True)
class Room:
    """All that there is to see."""

    shell: Solid
    paint: tuple[Array, ...]
    grain: tuple[Array, ...]
    solids: tuple[Solid, ...]
    lights: Lights
    view: Array


def render_room(rng: Rng, width: int, height: int, *, hall: bool) -> Array:
    """Radiance (height, width, 3) of a random room, or of a bare hall with an open gate."""
    room = build_room(rng, hall=hall)
    room_chart, solid_charts = _illuminate(room, rng)
    eye, directions = _camera(rng, room.shell, 2 * width, 2 * height)
    picture, distance = _see_shell(room, room_chart, eye, directions)
    for solid, chart in zip(room.solids, solid_charts, strict=True):
        _see_solid(picture, distance, room, solid, chart, eye, directions)
    full = picture.reshape(2 * height, 2 * width, 3)
    return np.asarray(cv2.resize(full, (width, height), interpolation=cv2.INTER_AREA), np.float32)


def build_room(rng: Rng, *, hall: bool) -> Room:
    """Choose sizes, materials, windows, lamps and things."""
    size = rng.uniform((4.0, 2.5, 4.5), (6.5, 3.1, 7.0)) if not hall else rng.uniform((5, 3, 8), (8, 4.2, 12))
    half = (float(size[0]) / 2, float(size[1]) / 2, float(size[2]) / 2)
    shell = Solid("box", (0.0, half[1], half[2]), half)
    view = paint_view(rng) * 5.0
    sky = view[HORIZON_ROW // 2 : HORIZON_ROW + 100].mean(axis=(0, 1))
    windows = tuple(
        replace(window, sky=(float(sky[0]), float(sky[1]), float(sky[2])))
        for window in place_windows(rng, shell, hall=hall)
    )
    solids, lamps = furnish(rng, shell, hall=hall)
    lights = Lights(windows, lamps, _sun_direction(rng, windows), (16.0, 13.5, 10.0))
    return Room(shell, paint_shell(rng, shell, windows, hall=hall), grains(rng), solids, lights, view * VIEW_DIMMING)


def _sun_direction(rng: Rng, windows: Sequence[Window]) -> tuple[float, float, float]:
    """Towards the sun: some 25° to 45° high, in front of one of the windows, more or less aslant."""
    face = windows[int(rng.integers(len(windows)))].face
    heading = {0: -math.pi / 2, 1: math.pi / 2, 5: 0.0}[face] + rng.uniform(-0.8, 0.8)
    elevation = rng.uniform(0.45, 0.8)
    flat = math.cos(elevation)
    return flat * math.sin(heading), math.sin(elevation), flat * math.cos(heading)


def _illuminate(room: Room, rng: Rng) -> tuple[Array, list[Array]]:
    """Charts of the light on the shell, (6, 64, 64, 3), and on each solid, (6, 8, 8, 3); no direct sun."""
    shell_points, outward = room.shell.chart(SHELL_GRID)
    # A little inside, where no wall hides the windows.
    inside = shell_points.reshape(3, -1) * 0.998 + 0.002 * _column(room.shell.centre)
    charts = [solid.chart(SOLID_GRID) for solid in room.solids]
    points = np.concatenate([inside, *[(p + 0.004 * n).reshape(3, -1) for p, n in charts]], axis=1)
    normals = np.concatenate([-outward.reshape(3, -1), *[n.reshape(3, -1) for _, n in charts]], axis=1)
    light = lit.direct(points, normals, room.lights, room.shell, room.solids, rng)
    leaving = _leaving_walls(room, inside, -outward.reshape(3, -1), light[: inside.shape[1]])
    indirect = lit.bounced(points, normals, room.shell, leaving)
    light += indirect * lit.openness(points, normals, room.solids, rng)[:, None]
    shell = light[: inside.shape[1]].reshape(6, SHELL_GRID, SHELL_GRID, 3)
    things = light[inside.shape[1] :].reshape(-1, 6, SOLID_GRID, SOLID_GRID, 3)
    return _smooth(shell), [_smooth(chart) for chart in things]


def _leaving_walls(room: Room, points: Array, normals: Array, light: Array) -> Array:
    """Radiance of the walls after some bounces of daylight, lamps and sun, (6, g, g, 3)."""
    sun = lit.sunlit(points, room.lights, room.shell, room.solids, WALL_M) * _sun_cosine(normals, room)
    first = (light + sun[:, None] * vector(room.lights.sun)).reshape(6, SHELL_GRID, SHELL_GRID, 3)
    albedo = np.stack([paint.mean(axis=(0, 1)) for paint in room.paint])
    return lit.interreflect(first, albedo, room.shell)


def _column(vector: tuple[float, float, float]) -> Array:
    return np.asarray(vector, np.float32)[:, None]


def _smooth(chart: Array) -> Array:
    """Calm the noise of the random rays, face by face."""
    return np.stack([cv2.GaussianBlur(face, (0, 0), 0.9, borderType=cv2.BORDER_REPLICATE) for face in chart])


def _sun_cosine(normals: Array, room: Room) -> Array:
    sun = vector(room.lights.sun_direction)[:, None]
    return np.asarray(np.maximum((normals * sun).sum(axis=0), 0), np.float32)


def _camera(rng: Rng, shell: Solid, width: int, height: int) -> tuple[Array, Array]:
    """Eye (3, 1) and ray directions (3, n), standing near the back wall."""
    eye = vector([rng.uniform(-0.5, 0.5) * shell.half[0], rng.uniform(1.2, 1.6), rng.uniform(0.25, 0.6)])
    yaw = -0.35 * float(eye[0]) / shell.half[0] + rng.uniform(-0.15, 0.15)
    focal = width / 2 / math.tan(math.radians(rng.uniform(62, 76)) / 2)
    y, x = np.indices((height, width), dtype=np.float32)
    right, up = (x.ravel() + 0.5 - width / 2) / focal, (height * 0.46 - y.ravel() - 0.5) / focal
    cos, sin = math.cos(yaw), math.sin(yaw)
    rays = np.stack([cos * right + sin, up, cos - sin * right]).astype(np.float32)
    return eye[:, None], rays / np.linalg.norm(rays, axis=0)


def _see_shell(room: Room, chart: Array, eye: Array, directions: Array) -> tuple[Array, Array]:
    """Radiance (n, 3) and distance (n,) of walls, floor, ceiling and what is seen through the windows."""
    centre, half = vector(room.shell.centre)[:, None], vector(room.shell.half)[:, None]
    safe = np.where(np.abs(directions) < 1e-6, np.float32(1e-6), directions)
    exits = (centre + np.sign(safe) * half - eye) / safe
    axis = exits.argmin(axis=0)
    distance = exits.min(axis=0)
    face = axis * 2 + (np.take_along_axis(safe, axis[None], 0)[0] > 0)
    picture = np.empty((distance.size, 3), np.float32)
    for index in range(6):
        own = np.flatnonzero(face == index)
        if own.size:
            points = eye + directions[:, own] * distance[own]
            picture[own] = _see_face(room, chart, index, points, directions[:, own], distance[own])
    return picture, distance


def _see_face(room: Room, chart: Array, face: int, points: Array, rays: Array, distance: Array) -> Array:
    axis = face // 2
    u_axis, v_axis = CHART_AXES[axis]
    u, v = ((points[a] - room.shell.centre[a]) / room.shell.half[a] for a in (u_axis, v_axis))
    light = lit.read_chart(chart, np.full(u.size, face, np.float32), u, v)
    normal = np.zeros((3, 1), np.float32)
    normal[axis] = 1 - 2 * (face % 2)
    sun = lit.sunlit(points, room.lights, room.shell, room.solids, WALL_M) * _sun_cosine(normal, room)
    paint = room.paint[face]
    footprint = distance * 0.0009 * PX_PER_M / np.sqrt(np.maximum(np.abs(rays[axis]), 0.05))
    x, y = (u + 1) / 2 * (paint.shape[1] - 1), (v + 1) / 2 * (paint.shape[0] - 1)
    color = look_up(paint, x, y, footprint) * (light + sun[:, None] * vector(room.lights.sun))
    for window in room.lights.windows:
        if window.face == face:
            _see_window(color, room, window, points, rays, light)
    return color


def _see_window(color: Array, room: Room, window: Window, points: Array, rays: Array, light: Array) -> None:
    """Paint, where a window is, its reveal, its frame and the view."""
    opening = np.flatnonzero(lit.inside_margin(window, points) > 0)
    axis = window.face // 2
    outer = points[:, opening] + rays[:, opening] * (WALL_M / np.abs(rays[axis, opening]))
    margin = lit.inside_margin(window, outer)
    view = look_out(room.view, rays[:, opening])
    frame = lit.bar_margin(window, outer) < 0
    view[frame] = 0.7 * light[opening[frame]] + 0.02 * vector(window.sky)
    # The reveal is lit by half the sky at its outer edge, and by less inside.
    reveal = np.clip(0.16 + 0.8 * margin / WALL_M, 0.03, 0.16)[:, None] * vector(window.sky)
    color[opening] = np.where((margin < 0)[:, None], reveal, view)


def _see_solid(
    picture: Array, distance: Array, room: Room, solid: Solid, chart: Array, eye: Array, directions: Array
) -> None:
    """Paint a solid over what lies behind it."""
    candidates = _near_silhouette(solid, eye, directions)
    t = solid.distance(eye, directions[:, candidates])
    seen = t < distance[candidates]
    index, t = candidates[seen], t[seen]
    if not index.size:
        return
    points = eye + directions[:, index] * t
    face, u, v = solid.locate(points)
    color = lit.read_chart(chart, face.astype(np.float32), u, v)
    color = color + _sun_on(room, solid, points)[:, None] * vector(room.lights.sun)
    extent = vector([[solid.half[a], solid.half[b]] for a, b in CHART_AXES])[face // 2]
    texture = room.grain[solid.texture]
    grey = look_up(texture, (u + 1) * extent[:, 0] * 256 % 511, (v + 1) * extent[:, 1] * 256 % 511, t * 0.25)
    picture[index] = color * grey * vector(solid.albedo) + vector(solid.glow)
    distance[index] = t


def _near_silhouette(solid: Solid, eye: Array, directions: Array) -> NDArray[np.intp]:
    """Indices of the rays that pass through the solid's bounding ball."""
    offset = vector(solid.centre)[:, None] - eye
    along = (directions * offset).sum(axis=0)
    gap = float((offset**2).sum()) - along**2
    return np.flatnonzero((along > 0) & (gap < float(np.sum(np.square(solid.half))) * 1.01))


def _sun_on(room: Room, solid: Solid, points: Array) -> Array:
    local = solid.local(points, points=True)
    if solid.kind == "box":
        face = np.abs(local).argmax(axis=0)
        local = np.where(np.arange(3)[:, None] == face, local, 0)
    elif solid.kind == "drum":
        top = np.abs(local[1]) > 0.9995
        local = np.stack([np.where(top, 0, local[0]), np.where(top, local[1], 0), np.where(top, 0, local[2])])
    normals = solid.world(local, points=False)
    cosine = _sun_cosine(normals, room)
    sun = np.zeros_like(cosine)
    facing = np.flatnonzero(cosine > 0)
    start = points[:, facing] + 0.006 * normals[:, facing]
    sun[facing] = lit.sunlit(start, room.lights, room.shell, room.solids, WALL_M) * cosine[facing]
    return sun
