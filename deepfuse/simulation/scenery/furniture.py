"""Where windows, lamps and things stand in a room; lengths in metres."""

from __future__ import annotations

import math

import numpy as np

from deepfuse.simulation.scenery.light import Lamp, Window
from deepfuse.simulation.scenery.solids import Solid
from deepfuse.simulation.scenery.texture import Color, Rng, random_color

SMOOTH, WOOD, CLOTH = 0, 1, 2  # in the order of `decoration.grains`
LEFT, RIGHT, FAR = 0, 1, 5  # faces of the room, in the order of `Solid.chart`


def place_windows(rng: Rng, shell: Solid, *, hall: bool) -> list[Window]:
    """One or two windows in the far wall or a side wall; a hall has one wide gate, open to the ground."""
    if hall:
        reach = shell.half[0] * rng.uniform(0.3, 0.6)
        middle = rng.uniform(-0.3, 0.3) * shell.half[0]
        top = 2 * shell.half[1] * rng.uniform(0.6, 0.85)
        return [Window(FAR, (middle - reach, 0.0), (middle + reach, top), (0, 0))]
    faces = [(FAR,), (FAR, FAR), (FAR, LEFT), (FAR, RIGHT)][int(rng.integers(4))]
    bottom = rng.uniform(0.4, 0.95)
    top = min(2 * shell.half[1] - 0.25, bottom + rng.uniform(1.2, 1.7))
    panes = [(2, 2), (2, 3), (1, 1), (3, 2), (2, 1)][int(rng.integers(5))]
    windows = []
    for number, face in enumerate(faces):
        length = 2 * shell.half[0 if face == FAR else 2]
        width = rng.uniform(0.22, 0.34) * length
        start = -length / 2 if face == FAR else 0.0
        # Two in one wall share it; one in a side wall stands in the far half, where it is seen.
        slot = (0.08, 0.42) if faces == (FAR, FAR) and number == 0 else (0.55, 0.92)
        if len(set(faces)) == len(faces):
            slot = (0.15, 0.85) if face == FAR else (0.5, 0.95)
        room_left = max(0.0, (slot[1] - slot[0]) * length - width)
        low = start + slot[0] * length + rng.uniform(0, 1) * room_left
        windows.append(Window(face, (low, bottom), (low + width, top), panes))
    return windows


def furnish(rng: Rng, shell: Solid, *, hall: bool) -> tuple[tuple[Solid, ...], tuple[Lamp, ...]]:
    """Things on the floor, not in each other's way, and lamps."""
    makers = [_crates, _crates, _barrels, _balls] if hall else [_table, _cabinet, _sofa, _shelf, _balls, _stool]
    spots = _spots(rng, shell, 7 if not hall else 9)
    solids: list[Solid] = []
    for number, (x, z) in enumerate(spots):
        maker = makers[number % len(makers)]
        solids += maker(rng, x, z)
    lamps: list[Lamp] = []
    height = 2 * shell.half[1]
    for side in (-1.0, 1.0)[: int(rng.integers(1, 3))]:
        x, z = side * rng.uniform(0.05, 0.45) * shell.half[0], rng.uniform(0.9, 1.5) * shell.half[2]
        parts, lamp = _hanging_lamp(rng, float(x), float(z), height, 0.13 if hall else 0.08)
        solids += parts
        lamps.append(lamp)
    return tuple(solids), tuple(lamps)


def _spots(rng: Rng, shell: Solid, count: int) -> list[tuple[float, float]]:
    """Places at least 1.45 m apart, none near the camera."""
    chosen: list[tuple[float, float]] = []
    for _ in range(200):
        x = rng.uniform(-1, 1) * (shell.half[0] - 0.7)
        z = rng.uniform(2.3, 2 * shell.half[2] - 0.6)
        if all(math.hypot(x - a, z - b) > 1.45 for a, b in chosen) and len(chosen) < count:
            chosen.append((float(x), float(z)))
    return chosen


def _box(
    centre: tuple[float, float, float],
    size: tuple[float, float, float],
    yaw: float,
    albedo: Color,
    texture: int = WOOD,
    *,
    casts_shadow: bool = True,
) -> Solid:
    """A box by its full size."""
    return Solid(
        "box",
        centre,
        (size[0] / 2, size[1] / 2, size[2] / 2),
        yaw,
        albedo,
        texture,
        casts_shadow=casts_shadow,
    )


def _around(x: float, z: float, yaw: float, dx: float, dz: float) -> tuple[float, float]:
    return x + math.cos(yaw) * dx + math.sin(yaw) * dz, z + math.cos(yaw) * dz - math.sin(yaw) * dx


def _wood_color(rng: Rng) -> Color:
    tone = float(rng.uniform(0.05, 0.4))
    return tone, tone * 0.6, tone * 0.3


def _table(rng: Rng, x: float, z: float) -> list[Solid]:
    yaw, color = float(rng.uniform(-0.4, 0.4)), _wood_color(rng)
    length, depth, height = (float(s) for s in rng.uniform((1.0, 0.6, 0.65), (1.6, 0.9, 0.78)))
    parts = [_box((x, height - 0.02, z), (length, 0.04, depth), yaw, color)]
    for side_x in (-1, 1):
        for side_z in (-1, 1):
            at = _around(x, z, yaw, side_x * (length / 2 - 0.05), side_z * (depth / 2 - 0.05))
            parts.append(_box((at[0], height / 2 - 0.02, at[1]), (0.05, height - 0.04, 0.05), yaw, color))
    vase = random_color(rng, 0.2, 0.7, 0.9)
    at = _around(x, z, yaw, float(rng.uniform(-0.3, 0.3)) * length, 0.0)
    parts.append(Solid("drum", (at[0], height + 0.11, at[1]), (0.06, 0.11, 0.06), 0.0, vase, SMOOTH))
    at = _around(x, z, yaw, float(rng.uniform(-0.3, 0.3)) * length, -0.15)
    fruit = random_color(rng, 0.4, 0.8, 0.9)
    parts.append(Solid("ball", (at[0], height + 0.07, at[1]), (0.07, 0.07, 0.07), 0.0, fruit, SMOOTH))
    return parts


def _cabinet(rng: Rng, x: float, z: float) -> list[Solid]:
    yaw, color = float(rng.choice([0.0, math.pi / 2])), _wood_color(rng)
    width, height = (float(s) for s in rng.uniform((0.7, 0.6), (1.1, 1.2)))
    body = _box((x, height / 2 + 0.05, z), (width, height, 0.42), yaw, color)
    doors = []
    for side in (-1, 1):
        at = _around(x, z, yaw, side * width / 4, -0.215)
        lighter = (color[0] * 1.3, color[1] * 1.3, color[2] * 1.3)
        doors.append(
            _box(
                (at[0], height / 2 + 0.05, at[1]),
                (width / 2 - 0.03, height - 0.06, 0.02),
                yaw,
                lighter,
                casts_shadow=False,
            )
        )
    foot = _box((x, 0.025, z), (width - 0.1, 0.05, 0.34), yaw, (0.02, 0.02, 0.02))
    return [body, *doors, foot]


def _sofa(rng: Rng, x: float, z: float) -> list[Solid]:
    yaw, color = float(rng.choice([0.0, math.pi / 2, -math.pi / 2])), random_color(rng, 0.08, 0.45, 0.8)
    length = float(rng.uniform(1.3, 1.7))
    parts = [_box((x, 0.24, z), (length, 0.32, 0.75), yaw, color, CLOTH)]
    back = _around(x, z, yaw, 0.0, 0.33)
    parts.append(_box((back[0], 0.55, back[1]), (length, 0.6, 0.18), yaw, color, CLOTH))
    for side in (-1, 1):
        arm = _around(x, z, yaw, side * (length / 2 - 0.08), 0.0)
        parts.append(_box((arm[0], 0.42, arm[1]), (0.16, 0.36, 0.75), yaw, color, CLOTH))
    cushion = _around(x, z, yaw, float(rng.uniform(-0.4, 0.4)), 0.16)
    accent = random_color(rng, 0.3, 0.7, 0.9)
    parts.append(Solid("ball", (cushion[0], 0.57, cushion[1]), (0.2, 0.18, 0.1), yaw, accent, CLOTH))
    return parts


def _shelf(rng: Rng, x: float, z: float) -> list[Solid]:
    """Boards between two sides, with a few books."""
    color, yaw = _wood_color(rng), 0.0
    parts = [_box((x + s * 0.4, 0.6, z), (0.03, 1.2, 0.3), yaw, color) for s in (-1, 1)]
    parts += [_box((x, height, z), (0.8, 0.03, 0.3), yaw, color) for height in (0.1, 0.5, 0.9, 1.19)]
    for height in (0.115, 0.515):
        left = x - 0.37
        while left < x + rng.uniform(-0.1, 0.3):
            thick, tall = float(rng.uniform(0.03, 0.09)), float(rng.uniform(0.2, 0.32))
            book = random_color(rng, 0.05, 0.6, 0.9)
            centre = (left + thick / 2, height + tall / 2, z)
            parts.append(_box(centre, (thick - 0.004, tall, 0.2), yaw, book, SMOOTH, casts_shadow=False))
            left += thick
    return parts


def _stool(rng: Rng, x: float, z: float) -> list[Solid]:
    seat = Solid("drum", (x, 0.44, z), (0.19, 0.03, 0.19), 0.0, random_color(rng, 0.2, 0.6, 0.7), SMOOTH)
    stem = Solid("drum", (x, 0.22, z), (0.03, 0.2, 0.03), 0.0, (0.05, 0.05, 0.05), SMOOTH)
    foot = Solid("drum", (x, 0.015, z), (0.18, 0.015, 0.18), 0.0, (0.05, 0.05, 0.05), SMOOTH)
    return [seat, stem, foot]


def _balls(rng: Rng, x: float, z: float) -> list[Solid]:
    radius = float(rng.uniform(0.12, 0.3))
    return [Solid("ball", (x, radius, z), (radius,) * 3, 0.0, random_color(rng, 0.2, 0.7, 0.9), SMOOTH)]


def _crates(rng: Rng, x: float, z: float) -> list[Solid]:
    size, yaw = float(rng.uniform(0.5, 0.9)), float(rng.uniform(-0.7, 0.7))
    parts = [_box((x, size / 2, z), (size, size, size), yaw, _wood_color(rng))]
    if rng.random() < 0.5:
        upper = size * 0.6
        turned = yaw + float(rng.uniform(-0.5, 0.5))
        parts.append(_box((x, size + upper / 2, z), (upper, upper, upper), turned, _wood_color(rng)))
    return parts


def _barrels(rng: Rng, x: float, z: float) -> list[Solid]:
    color = random_color(rng, 0.15, 0.5, 0.9)
    barrel = Solid("drum", (x, 0.45, z), (0.3, 0.45, 0.3), 0.0, color, SMOOTH)
    rings = [
        Solid("drum", (x, h, z), (0.31, 0.015, 0.31), 0.0, (0.1, 0.1, 0.1), SMOOTH, casts_shadow=False)
        for h in (0.3, 0.6, 0.88)
    ]
    return [barrel, *rings]


def _hanging_lamp(rng: Rng, x: float, z: float, ceiling: float, radius: float) -> tuple[list[Solid], Lamp]:
    """A bulb on a cord, often below a shade; the shade glows, the bulb is what is brightest in the room."""
    height = ceiling - float(rng.uniform(0.6, 0.9))
    red, green, blue = (float(c) for c in np.array([1.0, 0.72, 0.42]) * rng.uniform(0.7, 1.4))
    middle = (height + 0.05 + ceiling) / 2
    cord = Solid("drum", (x, middle, z), (0.008, ceiling - middle, 0.008), 0.0, (0.02,) * 3, casts_shadow=False)
    bulb_glow = (45 * red, 45 * green, 45 * blue)
    bulb = Solid("ball", (x, height, z), (radius,) * 3, glow=bulb_glow, casts_shadow=False)
    parts = [cord, bulb]
    if rng.random() < 0.6:
        glow = (1.2 * red, 1.2 * green, 1.2 * blue)
        at, half = (x, height + 0.16, z), (0.2, 0.1, 0.2)
        parts.append(Solid("drum", at, half, 0.0, (0.5, 0.4, 0.3), CLOTH, glow, casts_shadow=False))
    return parts, Lamp((x, height - 0.06, z), (0.5 * red, 0.5 * green, 0.5 * blue))
