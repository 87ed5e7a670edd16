"""What covers a room's walls, floor and ceiling, and the grain of its things."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from deepfuse.simulation.scenery.light import Window
from deepfuse.simulation.scenery.solids import CHART_AXES, Solid
from deepfuse.simulation.scenery.texture import FLOORS, WALLS, Array, Rng, concrete, dead_leaves, fractal, plaster

PX_PER_M = 150.0  # what a picture of 768 px shows of a wall 4 m away


def paint_shell(rng: Rng, shell: Solid, windows: Sequence[Window], *, hall: bool) -> tuple[Array, ...]:
    """One picture per face of the shell, (rows along v, columns along u)."""
    wall = concrete if hall else WALLS[int(rng.integers(len(WALLS)))]
    floor = concrete if hall else FLOORS[int(rng.integers(len(FLOORS)))]
    makers = [wall, wall, floor, concrete if hall else plaster, wall, wall]
    state = rng.bit_generator.state
    paints = []
    for face, maker in enumerate(makers):
        u, v = CHART_AXES[face // 2]
        shape = (int(2 * shell.half[v] * PX_PER_M) // 2 * 2, int(2 * shell.half[u] * PX_PER_M) // 2 * 2)
        if maker is wall:
            rng.bit_generator.state = state  # all walls wear the same material
        paint = np.ascontiguousarray(maker(rng, *shape, PX_PER_M))
        if maker is wall and not hall:
            paint[: int(0.1 * PX_PER_M)] = (0.5, 0.47, 0.42)  # skirting board; v runs upwards
        paints.append(paint)
    for face in (0, 1, 5):
        _hang_pictures(paints[face], rng, shell, face, [w for w in windows if w.face == face], hall=hall)
    return tuple(paints)


def _hang_pictures(paint: Array, rng: Rng, shell: Solid, face: int, windows: Sequence[Window], *, hall: bool) -> None:
    """Up to four framed pictures where there is neither a window nor another picture."""
    columns = paint.shape[1]
    start = shell.centre[CHART_AXES[face // 2][0]] - shell.half[CHART_AXES[face // 2][0]]
    taken = [(window.low[0], window.high[0]) for window in windows]
    for _ in range(0 if hall else 4):
        width, height = (int(s * PX_PER_M) for s in rng.uniform((0.5, 0.4), (1.1, 0.9)))
        x, y = int(rng.uniform(10, max(11, columns - width - 10))), int(rng.uniform(1.25, 1.4) * PX_PER_M)
        picture = dead_leaves(rng, height // 2 * 2, width // 2 * 2)
        left, right = start + (x - 20) / PX_PER_M, start + (x + width + 20) / PX_PER_M
        clash = any(left < high and right > low for low, high in taken)
        if clash or y + height + 8 > paint.shape[0]:
            continue
        taken.append((left, right))
        paint[y - 6 : y + picture.shape[0] + 6, x - 6 : x + picture.shape[1] + 6] = (0.06, 0.04, 0.03)
        paint[y : y + picture.shape[0], x : x + picture.shape[1]] = picture


def grains(rng: Rng) -> tuple[Array, ...]:
    """Grey surface textures for things, 512 px to 2 m: smooth, wood, cloth."""
    smooth = 1 + 0.05 * fractal(rng, 512, 512)
    wood = 1 + 0.22 * fractal(rng, 512, 512, slope=0.8, stretch=0.18)
    cloth = 1 + 0.08 * fractal(rng, 512, 512, slope=1.2) + 0.1 * fractal(rng, 512, 512, slope=0.2)
    return tuple(np.repeat(np.clip(g, 0.2, 2)[..., None], 3, axis=2) for g in (smooth, wood, cloth))
