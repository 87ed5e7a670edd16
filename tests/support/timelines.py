"""Made-up days of a photographer: shots without files, with the brackets that they truly are."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from deepfuse.bracket import Exposure
from deepfuse.grouping.shots import Shot
from deepfuse.metadata.makers import UNKNOWN, Bracketing
from deepfuse.photo.capture import Capture

ORDERS = {"0-+": (0, -1, 1), "-0+": (-1, 0, 1), "+0-": (1, 0, -1)}


@dataclass
class Day:
    """A timeline under construction; `scenes` and `levels` are what can be seen of each photo."""

    seed: int
    whole_seconds: bool = False
    folder: Path = Path("day")
    shots: list[Shot] = field(default_factory=list)
    truth: list[frozenset[str]] = field(default_factory=list)
    scenes: dict[Path, int] = field(default_factory=dict)
    levels: dict[Path, float] = field(default_factory=dict)
    now: float = 1_700_000_000.0

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)
        self.scene = 0
        self.light = 12.0

    def move_on(self, pause_s: float) -> None:
        """Another scene in another light, after a pause."""
        self.scene += 1
        self.light = float(np.round(3 * self.rng.uniform(6, 15)) / 3)
        self.now += pause_s

    def shoot(
        self,
        ev: float,
        *,
        level: float = -2,
        mode: int | None = 0,
        bias: float | None = None,
        tag: Bracketing = UNKNOWN,
    ) -> str:
        """One photo at an exposure value; time goes on by its exposure."""
        name = f"IMG_{len(self.shots) + 1:04d}.jpg"
        time_s = 2.0 ** (4 - ev)  # at f/4 and ISO 100
        taken = float(np.floor(self.now)) if self.whole_seconds else self.now
        exposure = Exposure(time_s, 100, 4)
        capture = Capture(
            600, 400, camera="C", exposure=exposure, taken_s=taken, exposure_mode=mode, bias_ev=bias, bracketing=tag
        )
        self.shots.append(Shot(self.folder / name, capture))
        self.scenes[self.shots[-1].file], self.levels[self.shots[-1].file] = self.scene, level
        self.now += time_s
        return name

    def bracket(
        self,
        order: str,
        count: int = 3,
        step: float = 2,
        *,
        by_hand: bool = False,
        drift: float = 0,
        bias: bool = False,
        taken: int | None = None,
    ) -> None:
        """A bracket of this scene, `drift` stops off its light; automatic unless by hand, cut short after `taken`."""
        names = []
        for offset in offsets(order, count, step)[:taken]:
            names.append(
                self.shoot(
                    self.light + drift - offset,
                    level=-3 + 0.8 * offset,
                    mode=1 if by_hand else 2,
                    bias=offset if bias else None,
                )
            )
            self.now += self.rng.uniform(2, 12) if by_hand else self.rng.uniform(0.1, 0.6)
        self.truth.append(frozenset(names))

    def burst(self, count: int) -> None:
        """Photos in a row at one exposure."""
        for _ in range(count):
            self.shoot(self.light)
            self.now += 0.2

    def panorama(self, count: int) -> None:
        """Positions in automatic exposure: each another view, as bright as the others."""
        for _ in range(count):
            self.scene += 1
            self.shoot(
                self.light + float(np.round(3 * self.rng.uniform(-2, 2)) / 3), level=-2 + self.rng.uniform(-0.2, 0.2)
            )
            self.now += 1.5

    def same(self, first: Path, second: Path, /) -> bool:
        """Whether two photos show one scene."""
        return self.scenes[first] == self.scenes[second]

    def level(self, file: Path, /) -> float:
        """How bright a photo is, in stops."""
        return self.levels[file]

    def damage(self, file: Path, /) -> None:
        """No photo of a timeline is damaged."""


def offsets(order: str, count: int, step: float) -> list[float]:
    """The exposure offsets of a bracket, in the order in which a camera shoots them."""
    ladder = [step * (k - (count - 1) // 2) for k in range(count)]
    if order == "-0+":
        return ladder
    if order == "+0-":
        return ladder[::-1]
    return sorted(ladder, key=lambda offset: (abs(offset), offset))


def random_day(seed: int, sets: int) -> Day:
    """A day of mixed brackets, bursts, panoramas, strays and interruptions."""
    day = Day(seed, whole_seconds=seed % 3 == 0)
    rng = day.rng
    order, step = str(rng.choice(list(ORDERS))), float(rng.choice([1, 4 / 3, 5 / 3, 2, 3]))
    bias = bool(seed % 2)
    while len(day.truth) < sets:
        day.move_on(rng.uniform(3, 90))
        kind = rng.choice(["auto", "auto", "series", "cut short", "hand", "burst", "stray", "panorama"])
        count = int(rng.choice([2, 3, 3, 3, 5, 7, 9]))
        if kind == "auto":
            day.bracket(order, count, step, bias=bias)
        elif kind == "series":
            for _ in range(rng.integers(2, 5)):
                day.bracket(order, 3, step, drift=float(rng.choice([0, 0, 1 / 3, -1 / 3])), bias=bias)
                day.now += rng.uniform(0.5, 4)
        elif kind == "cut short":
            day.bracket(order, 3, step, taken=2)
            day.now += rng.uniform(0.5, 4)
            day.bracket(order, 3, step)
        elif kind == "hand":
            day.bracket("-0+", count, step, by_hand=True)
        elif kind == "burst":
            day.burst(int(rng.integers(3, 9)))
        elif kind == "stray":
            day.shoot(day.light)
        else:
            day.panorama(int(rng.integers(3, 8)))
    return day


def time_lapse(seed: int, sets: int) -> Day:
    """Automatic brackets of one scene at an interval, in light that wanders."""
    day = Day(seed, whole_seconds=seed % 2 == 0)
    order, count = list(ORDERS)[seed % 3], (3, 5, 7, 2)[seed % 4]
    step, interval = (2, 1, 4 / 3, 3)[seed % 4], (4, 8, 15, 30, 60)[seed % 5]
    day.move_on(1)
    for _ in range(sets):
        start = day.now
        drift = float(day.rng.choice([-1 / 3, 1 / 3])) if day.rng.random() < 0.15 else 0.0
        day.light = min(max(day.light + drift, 8), 13)
        day.bracket(order, count, step)
        day.now = max(day.now + 0.5, start + interval)
    return day
