"""Is this row of exposures one bracket, and where does a row of brackets come apart? Numbers only."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

MOST = 15  # frames in a bracket: cameras set up to 9, by hand and remote control there are more
SAME_EV = 0.15  # stops within which two exposures are one; third stops, rounded as cameras do, are further apart
UNEVEN_EV = 0.4  # steps of one size differ by less, each end rounded to a third of a stop
ALONE = 1.3  # what a photo outside any bracket costs; a bracket of good form costs 1
Part = tuple[int, int]
Pattern = tuple[float, ...]


@dataclass(frozen=True)
class Rung:
    """One photo in a row, in the order of shooting.

    Attributes:
        ev: its exposure value, or any measure of darkness in stops.
        gap_s: the idle time before it, `None` where unknown.
        offset_ev: its exposure relative to the metered one as the camera says, larger is brighter.
        number: its place in the sequence as the camera says.
    """

    ev: float
    gap_s: float | None = None
    offset_ev: float | None = None
    number: int | None = None


def split(count: int, cost: Callable[[int, int], float]) -> list[Part]:
    """The cheapest way to cut `count` photos into parts of 1 to 15; of equals, that of larger parts, the first ones."""
    best: list[tuple[float, int, int]] = [(0.0, 0, 0)]  # cost, minus the squares of sizes, minus where the part begins
    for end in range(1, count + 1):
        best.append(
            min(
                (round(best[start][0] + cost(start, end), 6), best[start][1] - (end - start) ** 2, -start)
                for start in range(max(0, end - MOST), end)
            )
        )
    parts: list[Part] = []
    while count:
        parts.append((-best[count][2], count))
        count = -best[count][2]
    return parts[::-1]


def ladder_cost(
    row: Sequence[Rung], start: int, end: int, patterns: Sequence[Pattern] = (), *, same_ev: float = SAME_EV
) -> float:
    """What it costs to call the photos from `start` to `end` one bracket; infinite where they cannot be.

    Args:
        row: all photos shot in one go.
        start: the first one of the part.
        end: the one after its last.
        patterns: the forms of brackets seen more than once with this camera.
        same_ev: the stops within which two exposures are one.

    The prices are those under which made-up days of brackets, bursts and strays come apart rightly: of 18,800 sets 6
    were false and 12 missed (tests/grouping/test_ladders.py).
    """
    if end - start == 1:
        return ALONE
    part = row[start:end]
    evs = [rung.ev for rung in part]
    steps = steps_of(evs)
    if min(steps) < same_ev:
        return math.inf
    cost = 1.6 if uneven(steps) else 1.0
    if not in_known_order(evs):  # some camera's own order, if nothing else was shot and it is a regular ladder
        if len(part) < len(row) or len(part) != 3 or uneven(steps):
            return math.inf
        cost += 0.4
    cost += 0.35 if len(part) == 2 else 0.0  # few cameras shoot two
    cost += 1.5 if _offsets_contradict(part) else 0.0
    cost += 1.6 if _pause_inside(row, start, end) else 0.0
    cost += _numbers_cost(row, start, end)
    if patterns:
        cost += -0.3 if any(_matches(evs, pattern) for pattern in patterns) else 0.3
    return cost


def steps_of(evs: Sequence[float]) -> list[float]:
    """The differences between neighbouring exposures, in order of exposure."""
    return [b - a for a, b in pairwise(sorted(evs))]


def uneven(steps: Sequence[float]) -> bool:
    """Whether steps differ by more than rounding: automatic brackets have equal ones."""
    return max(steps) - min(steps) > UNEVEN_EV + 0.1 * median(steps)


def in_known_order(evs: Sequence[float]) -> bool:
    """Whether a camera or a person would shoot exposures in this order.

    Dark to bright or bright to dark; or the middle first and then the rest so, or outwards, by turns or side by side.
    """
    if _monotone(evs):
        return True
    first, rest = evs[0], [ev - evs[0] for ev in evs[1:]]
    below = sum(ev < first for ev in evs)
    if below not in ((len(evs) - 1) // 2, len(evs) // 2):
        return False
    if _monotone(rest) or all(abs(b) > abs(a) - SAME_EV for a, b in pairwise(rest)):
        return True
    brighter, darker = sorted((ev for ev in rest if ev < 0), reverse=True), sorted(ev for ev in rest if ev > 0)
    return rest in (brighter + darker, darker + brighter)


def common_patterns(rows: Sequence[Sequence[float]]) -> list[Pattern]:
    """The forms that at least two of these brackets share, exposures relative to the first frame's."""
    forms = [tuple(ev - evs[0] for ev in evs) for evs in rows if len(evs) > 1]
    counts = Counter(tuple(round(2 * step) for step in form) for form in forms)
    kept = {tuple(round(2 * step) for step in form): form for form in forms}
    return [kept[key] for key, count in counts.items() if count > 1]


def repeats(evs: Sequence[float]) -> bool:
    """Whether a row of photos runs through the same exposures more than once, whatever shifts between the runs."""
    row = [Rung(ev) for ev in evs]
    parts = [evs[a:b] for a, b in split(len(row), lambda a, b: ladder_cost(row, a, b)) if b - a > 1]
    if len(parts) < 2 or sum(map(len, parts)) < len(evs) - 1:
        return False
    return all(_overlap(a, b) > 0.5 for a, b in pairwise(parts))


def _overlap(first: Sequence[float], second: Sequence[float]) -> float:
    """How much of the smaller range of exposures the other one covers."""
    shared = min(max(first), max(second)) - max(min(first), min(second))
    return shared / min(max(first) - min(first), max(second) - min(second))


def _monotone(evs: Sequence[float]) -> bool:
    return list(evs) in (sorted(evs), sorted(evs, reverse=True))


def _matches(evs: Sequence[float], pattern: Pattern) -> bool:
    return len(evs) == len(pattern) and all(abs(ev - evs[0] - p) < 0.25 for ev, p in zip(evs, pattern, strict=True))


def _offsets_contradict(part: Sequence[Rung]) -> bool:
    """Whether the camera's own offsets belie one metering: exposure and offset must move together."""
    sums = [rung.ev + rung.offset_ev for rung in part if rung.offset_ev is not None]
    varied = len({rung.offset_ev for rung in part}) > 1
    return varied and len(sums) == len(part) and any(abs(b - a) > 0.6 for a, b in pairwise(sums))


def _pause_inside(row: Sequence[Rung], start: int, end: int) -> bool:
    """Whether a pause inside a part is far longer than one at its ends or than most inside, even in whole seconds."""
    inside = [gap for rung in row[start + 1 : end] if (gap := rung.gap_s) is not None]
    around = [gap for rung in (*row[start : start + 1], *row[end : end + 1]) if (gap := rung.gap_s) is not None]
    usual = [2 * min(around) + 1.2] if around else []
    usual += [4 * median(inside) + 2] if len(inside) > 2 else []
    return bool(inside and usual) and max(inside) > min(usual)


def _numbers_cost(row: Sequence[Rung], start: int, end: int) -> float:
    """The camera's own count: it must rise inside a part, and must not go on after it."""
    numbers = [rung.number for rung in row[start:end]]
    known = [number for number in numbers if number is not None]
    if len(known) < len(numbers) or len(set(known)) == 1:
        return 0.0
    cost = 0.0 if all(b > a for a, b in pairwise(known)) else 3.0
    following = row[end].number if end < len(row) else None
    return cost + (1.0 if following == known[-1] + 1 else 0.0)
