"""What lies outside a window: sky, hills, houses and trees.

Pictures are painted from far to near, as dead leaves are; radiance is relative to a bright sky of about 1.
"""

from __future__ import annotations

import cv2
import numpy as np

from deepfuse.simulation.scenery.texture import Array, Color, Rng, bilinear, fractal, random_color, vector

VIEW_ROWS, VIEW_COLUMNS = 800, 1600
VIEW_PX_PER_DEG = 10.0  # about what a picture 768 px and 70° wide shows
HORIZON_ROW = 440  # a little below the middle: more is seen of the sky


def smoothstep(x: Array, low: float, high: float) -> Array:
    """0 below `low`, 1 above `high`, smooth between."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def paint_view(rng: Rng) -> Array:
    """A view of 160° by 80°, (800, 1600, 3), the horizon on row 440."""
    view = paint_sky(rng, VIEW_ROWS, VIEW_COLUMNS, HORIZON_ROW)
    haze = view[HORIZON_ROW - 5, :].mean(axis=0)
    paint_ground(view, rng, HORIZON_ROW)
    for depth in np.linspace(0.9, 0.35, int(rng.integers(1, 4))):
        _hills(view, rng, haze, float(depth))
    if rng.random() < 0.6:
        for _ in range(int(rng.integers(8, 22))):
            _house(view, rng)
    for _ in range(int(rng.integers(6, 20))):
        size = rng.uniform(30, 110)
        base = (rng.uniform(0, VIEW_COLUMNS), HORIZON_ROW + size * rng.uniform(0.1, 0.5))
        _tree(view, rng, base, size, green(rng, rng.uniform(0.06, 0.2)))
    return view


def look_out(view: Array, directions: Array) -> Array:
    """Radiance (n, 3) of a painted view along directions (3, n), z being its middle."""
    azimuth = np.degrees(np.arctan2(directions[0], directions[2]))
    elevation = np.degrees(np.arctan2(directions[1], np.hypot(directions[0], directions[2])))
    x = np.clip(VIEW_COLUMNS / 2 + azimuth * VIEW_PX_PER_DEG, 0, VIEW_COLUMNS - 2)
    y = np.clip(HORIZON_ROW - elevation * VIEW_PX_PER_DEG, 0, VIEW_ROWS - 2)
    return bilinear(view, x.astype(np.float32), y.astype(np.float32))


def green(rng: Rng, level: float) -> Color:
    """A leaf green or autumn colour of that brightness."""
    return level * rng.uniform(0.45, 1.0), level * rng.uniform(0.75, 1.0), level * rng.uniform(0.15, 0.4)


def paint_sky(rng: Rng, rows: int, columns: int, horizon: int) -> Array:
    """Sky above a horizon row: a gradient with clouds, (rows, columns, 3) relative radiance."""
    height = np.clip(1 - np.arange(rows, dtype=np.float32) / horizon, 0, 1)[:, None, None]
    low = np.array([0.8, 0.72 + 0.1 * rng.random(), 0.55 + 0.25 * rng.random()], np.float32)
    high = np.array([0.16, 0.32, 0.75], np.float32) * rng.uniform(0.6, 1.1)
    blend = height**0.4
    sky = low * (1 - blend) + high * blend
    # Clouds flatten towards the horizon, where they are seen edge-on.
    field = fractal(rng, 512, 1024, slope=1.45)
    x = np.indices((rows, columns), dtype=np.float32)[1]
    scale = 1 / (0.12 + height[..., 0])
    cloud = bilinear(
        field[..., None],
        vector((x - columns / 2) * scale * 0.16 + 512).ravel() % 1022,
        vector(scale * 60 + 0 * x).ravel() % 510,
    ).reshape(rows, columns)
    cover = smoothstep(cloud, rng.uniform(-0.3, 0.9), 2.0)[..., None]
    light = (1.25 - 0.25 * smoothstep(cloud, 0.8, 2.6))[..., None]
    return np.asarray(sky * (1 - cover) + light * vector([1.0, 0.97, 0.94]) * cover, np.float32)


def paint_ground(picture: Array, rng: Rng, horizon: int) -> None:
    """Grass or earth in perspective, from the horizon row down."""
    rows, columns = picture.shape[0] - horizon, picture.shape[1]
    texture = fractal(rng, 1024, 1024, slope=0.8)[..., None]
    y, x = np.indices((rows, columns), dtype=np.float32)
    depth = 1 / (y + 4)
    wide = bilinear(texture, ((x - columns / 2) * depth * 300).ravel() % 1022, (depth * 60000).ravel() % 1022)
    # Far rows squeeze the texture below a pixel, where it would shimmer.
    amplitude = 0.3 * np.clip(y / 120, 0, 1)
    grey = 1 + amplitude * wide.reshape(rows, columns)
    color = vector(green(rng, rng.uniform(0.12, 0.3)))
    picture[horizon:] = np.clip(grey, 0.1, 3)[..., None] * color


def _hills(view: Array, rng: Rng, haze: Array, depth: float) -> None:
    columns = view.shape[1]
    ridge = fractal(rng, 2, columns, slope=1.3)[0]
    top = HORIZON_ROW - (36 * depth + 15) - (13 + 17 * depth) * ridge
    rows = np.arange(view.shape[0], dtype=np.float32)[:, None]
    mask = smoothstep(rows - top[None], -1.0, 1.0)
    mask[HORIZON_ROW + 1 :] = 0
    woods = 1 + 0.25 * (1 - depth) * fractal(rng, view.shape[0], columns, slope=0.7)
    color = vector(green(rng, 0.2)) * (1 - depth) + haze * depth * 0.8
    view += mask[..., None] * (woods[..., None] * color - view)


def _house(view: Array, rng: Rng) -> None:
    """A front with rows of panes and a roof, its foot a little below the horizon."""
    width, height = int(rng.uniform(40, 140)), int(rng.uniform(40, 170))
    x, foot = int(rng.uniform(0, VIEW_COLUMNS)), HORIZON_ROW + int(rng.uniform(5, 30))
    top = max(2, foot - height)
    right = min(VIEW_COLUMNS, x + width)
    front = view[top:foot, x:right]
    color = vector(random_color(rng, 0.2, 0.65, 0.25))
    rough = 1 + 0.07 * fractal(rng, foot - top, max(2, (right - x) // 2 * 2), slope=0.7)[:, : right - x]
    front[:] = color * (rough if rough.shape[1] == right - x else np.ones(front.shape[:2]))[..., None]
    step_x, step_y = int(rng.uniform(10, 20)), int(rng.uniform(15, 27))
    for pane_y in range(5, foot - top - step_y // 2, step_y):
        for pane_x in range(4, width - step_x // 2, step_x):
            pane = front[pane_y : pane_y + step_y // 2, pane_x : pane_x + step_x // 2]
            pane[:] = vector([0.05, 0.06, 0.08]) * rng.uniform(0.5, 3.0)
    roof = np.array([[x - 5, top], [x + width + 5, top], [x + width // 2, top - width // 4]], np.int32)
    if rng.random() < 0.6:
        cv2.fillConvexPoly(view, roof, (0.22, 0.1 + 0.1 * rng.random(), 0.08))


def _tree(picture: Array, rng: Rng, base: tuple[float, float], size: float, color: Color) -> None:
    """A trunk and a crown of leaves, the upper ones lit; `base` is (x, y), `size` its height, px."""
    x, y = base
    trunk = np.array([[x - 0.03 * size, y], [x + 0.03 * size, y], [x, y - 0.7 * size]], np.int32)
    cv2.fillConvexPoly(picture, trunk, tuple(0.25 * c for c in (0.3, 0.22, 0.15)))
    for _ in range(int(rng.integers(5, 10))):
        cx, cy = x + rng.normal(0, 0.17) * size, y - rng.uniform(0.45, 0.95) * size
        leaves(picture, rng, (cx, cy), rng.uniform(0.1, 0.2) * size, color)


def leaves(
    picture: Array,
    rng: Rng,
    centre: tuple[float, float],
    radius: float,
    color: Color,
    *,
    count: int = 160,
    leaf: float = 0.1,
) -> None:
    """A round cluster of leaves at `centre` (x, y), px: dark ones below and behind, bright ones above."""
    offsets = rng.normal(0, 0.5, (count, 2)) * radius
    offsets = offsets[np.argsort(-offsets[:, 1] + rng.normal(0, 0.6 * radius, count))]
    shade = np.clip(0.7 - 0.5 * offsets[:, 1] / radius + rng.normal(0, 0.25, count), 0.12, 2.2)
    angles, sizes = (
        rng.uniform(0, 180, count),
        np.clip(radius * leaf * rng.uniform(0.5, 1.6, count), 1.0, None),
    )
    for (dx, dy), tone, angle, size in zip(offsets, shade, angles, sizes, strict=True):
        position = (int(centre[0] + dx), int(centre[1] + dy))
        lit = (color[0] * tone, color[1] * tone, color[2] * tone)
        cv2.ellipse(picture, position, (max(1, int(size)), max(1, int(size * 0.55))), angle, 0, 360, lit, -1)
