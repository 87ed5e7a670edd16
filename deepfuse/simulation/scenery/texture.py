"""Surfaces: fractal grain, painted materials, dead leaves, and looking them up without aliasing.

Colours are linear Rec.709 reflectances, 0 to 1; a texture is float32 (rows, columns, 3).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float32]
Rng = np.random.Generator
Color = tuple[float, float, float]


def vector(values: ArrayLike) -> Array:
    """Numbers as float32."""
    return np.asarray(values, np.float32)


def fractal(rng: Rng, rows: int, columns: int, *, slope: float = 1.0, stretch: float = 1.0) -> Array:
    """Periodic noise of unit variance whose amplitude falls as frequency to the power −slope.

    A slope of 1 is that of natural images (Field 1987, doi:10.1364/JOSAA.4.002379); `stretch` above 1 draws
    the grain out along the columns.
    """
    white = rng.standard_normal((rows, columns), dtype=np.float32)
    fy = np.fft.fftfreq(rows)[:, None].astype(np.float32) * rows
    fx = np.fft.rfftfreq(columns)[None].astype(np.float32) * columns
    radius = np.sqrt((fy / stretch) ** 2 + (fx * stretch) ** 2)
    radius[0, 0] = np.inf
    shaped = np.fft.irfft2(np.fft.rfft2(white) * radius**-slope, s=(rows, columns))
    return np.asarray(shaped / shaped.std(), np.float32)


def tint(value: Array, color: Color) -> Array:
    """A grey (rows, columns) pattern in one colour."""
    return np.asarray(np.clip(value, 0.0, 2.5)[..., None] * vector(color), np.float32)


def random_color(rng: Rng, low: float, high: float, saturation: float = 0.5) -> Color:
    """A colour whose brightest channel lies between `low` and `high`."""
    raw = 1.0 - saturation * rng.random(3)
    red, green, blue = raw / raw.max() * rng.uniform(low, high)
    return float(red), float(green), float(blue)


def planks(rng: Rng, rows: int, columns: int, px_per_m: float) -> Array:
    """Floor boards along the rows, each of its own tone, with dark joints."""
    width = int(rng.uniform(0.09, 0.2) * px_per_m)
    grain = fractal(rng, columns, rows, slope=0.9, stretch=5.0).T
    length = int(rng.uniform(1.2, 2.2) * px_per_m)
    column = np.arange(columns) // width
    shift = rng.integers(0, length, column.max() + 1)[column]
    along = np.arange(rows)[:, None] + shift[None]
    board = along // length
    tones = rng.normal(1.0, 0.14, (board.max() + 1, column.max() + 1))
    tone = np.asarray(tones[board, column[None]] + 0.1 * grain, np.float32)
    joint = (np.arange(columns)[None] % width < 2) | (along % length < 2)
    wood = (rng.uniform(0.2, 0.5), rng.uniform(0.12, 0.2), rng.uniform(0.04, 0.08))
    return tint(np.where(joint, 0.25 * tone, tone), wood)


def tiles(rng: Rng, rows: int, columns: int, px_per_m: float) -> Array:
    """Square tiles, in two tones or one, with light joints."""
    size = int(rng.uniform(0.25, 0.5) * px_per_m)
    row, column = np.arange(rows)[:, None] // size, np.arange(columns)[None] // size
    tones = rng.normal(1.0, 0.06, (row.max() + 1, column.max() + 1))[row, column]
    contrast = rng.choice([0.0, 0.65])
    tone = tones * (1 - contrast * ((row + column) % 2)) + 0.09 * fractal(rng, rows, columns)
    joint = (np.arange(rows)[:, None] % size < 2) | (np.arange(columns)[None] % size < 2)
    return tint(np.where(joint, 0.5, tone).astype(np.float32), random_color(rng, 0.35, 0.6, 0.35))


def bricks(rng: Rng, rows: int, columns: int, px_per_m: float) -> Array:
    """A brick wall in stretcher bond."""
    color = (rng.uniform(0.25, 0.45), rng.uniform(0.09, 0.16), rng.uniform(0.05, 0.1))
    height, length = int(0.075 * px_per_m), int(0.24 * px_per_m)
    row = np.arange(rows)[:, None] // height
    along = np.arange(columns)[None] + (row % 2) * (length // 2)
    brick = along // length
    tones = rng.normal(1.0, 0.2, (row.max() + 1, brick.max() + 1))[row, brick]
    tone = tones + 0.15 * fractal(rng, rows, columns, slope=0.7)
    joint = (np.arange(rows)[:, None] % height < 2) | (along % length < 2)
    mortar = tint(1 + 0.1 * fractal(rng, rows, columns, slope=0.7), (0.3, 0.28, 0.25))
    return np.asarray(np.where(joint[..., None], mortar, tint(tone.astype(np.float32), color)), np.float32)


def plaster(rng: Rng, rows: int, columns: int, px_per_m: float) -> Array:
    """Painted plaster: faint clouds and fine grain, one colour."""
    color = random_color(rng, 0.35, 0.75, 0.4)
    clouds = 0.05 * fractal(rng, rows, columns, slope=1.4)
    grain = 0.04 * fractal(rng, rows, columns, slope=0.4)
    return tint(0.92 + clouds + grain, color)


def concrete(rng: Rng, rows: int, columns: int, px_per_m: float) -> Array:
    """Stained concrete with shuttering joints."""
    color = random_color(rng, 0.25, 0.4, 0.15)
    stain = 0.16 * fractal(rng, rows, columns, slope=1.5) + 0.07 * fractal(rng, rows, columns, slope=0.5)
    size = int(1.2 * px_per_m)
    joint = (np.arange(rows)[:, None] % size < 2) | (np.arange(columns)[None] % size < 2)
    return tint(np.where(joint, 0.45, 0.9 + stain).astype(np.float32), color)


def wallpaper(rng: Rng, rows: int, columns: int, px_per_m: float) -> Array:
    """Striped paper with a repeated motif."""
    color = random_color(rng, 0.3, 0.65, 0.6)
    period = max(8, int(rng.uniform(0.12, 0.3) * px_per_m))
    phase = np.arange(columns)[None] / period * 2 * np.pi
    rise = np.arange(rows)[:, None] / period * 2 * np.pi
    stripes = 0.12 * np.tanh(4 * np.sin(phase)) + 0.1 * np.tanh(3 * np.sin(phase * 2) * np.sin(rise * 2) - 1)
    grain = 0.05 * fractal(rng, rows, columns, slope=0.5)
    return tint(np.asarray(0.85 + stripes + grain, np.float32), color)


WALLS: tuple[Callable[[Rng, int, int, float], Array], ...] = (plaster, plaster, wallpaper, bricks)
FLOORS: tuple[Callable[[Rng, int, int, float], Array], ...] = (planks, planks, tiles)


def dead_leaves(rng: Rng, rows: int, columns: int, *, count: int = 160) -> Array:
    """Overlapping discs and rectangles with radii of a power law of exponent −3: structure at every scale.

    Source: Lee, Mumford, Huang 2001, doi:10.1023/A:1011109015675.
    """
    palette = [random_color(rng, low, low + 0.2, 0.8) for low in (0.03, 0.1, 0.25, 0.4, 0.6)]
    picture: Array = np.full((rows, columns, 3), palette[-1], np.float32)
    smallest, largest = 0.04 * rows, 0.6 * rows
    spread = rng.random(count)
    radii = np.sort(1 / np.sqrt(smallest**-2 + spread * (largest**-2 - smallest**-2)))[::-1]
    for radius in radii:
        x, y = int(rng.uniform(0, columns)), int(rng.uniform(0, rows))
        color = palette[int(rng.integers(len(palette)))]
        if rng.random() < 0.5:
            cv2.circle(picture, (x, y), max(1, int(radius)), color, -1)
        else:
            box = ((x, y), (2 * radius, radius), rng.uniform(0, 180))
            cv2.fillConvexPoly(picture, cv2.boxPoints(box).astype(np.int32), color)
    return picture * (1 + 0.12 * fractal(rng, rows, columns, slope=0.6))[..., None]


def bilinear(image: Array, x: Array, y: Array) -> Array:
    """Values of an image (rows, columns, C) at pixel positions of any number: (n,) → (n, C); it repeats."""
    if x.size == 0:
        return np.zeros((0, image.shape[2]), np.float32)
    # OpenCV limits the sides of a map, so the list of points is folded into rows.
    fold = 4096
    pad = -x.size % fold
    map_x = np.pad(np.asarray(x, np.float32), (0, pad)).reshape(-1, fold)
    map_y = np.pad(np.asarray(y, np.float32), (0, pad)).reshape(-1, fold)
    values: Any = cv2.remap(image, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    return np.asarray(values, np.float32).reshape(-1, image.shape[2])[: x.size]


def look_up(texture: Array, x: Array, y: Array, footprint_px: Array) -> Array:
    """Texture (rows, columns, 3) at pixel positions (n,), averaged over about `footprint_px` (n,): (n, 3).

    A pyramid with linear interpolation between its levels (Williams 1983, doi:10.1145/964967.801126).
    """
    levels = [texture]
    while min(levels[-1].shape[:2]) > 8 and len(levels) < 7:
        levels.append(np.asarray(cv2.resize(levels[-1], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)))
    lod = np.clip(np.log2(np.maximum(footprint_px, 1.0)), 0, len(levels) - 1)
    result = np.zeros((x.size, 3), np.float32)
    for index, level in enumerate(levels):
        weight = 1 - np.abs(lod - index)
        near = np.flatnonzero(weight > 0)
        if near.size:
            scale_x, scale_y = level.shape[1] / texture.shape[1], level.shape[0] / texture.shape[0]
            values = bilinear(level, x[near] * scale_x, y[near] * scale_y)
            result[near] += weight[near, None] * values
    return result
