"""The shots of one camera → rows shot in one go, and what it costs to call a part of a row one bracket."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import median

from deepfuse.grouping.evidence import (
    LONGEST_PAUSE_S,
    SAME_SEEN,
    Pictures,
    darkness,
    pauses,
    tells,
    turning_cost,
    vouched,
)
from deepfuse.grouping.ladders import ALONE, Pattern, Rung, ladder_cost
from deepfuse.grouping.shots import Shot

Cost = Callable[[int, int], float]
_CLEAR_PAUSE = 3.0, 1.2  # times the usual one, and the seconds more that whole seconds may hide


def rows_of(shots: Sequence[Shot]) -> list[list[Shot]]:
    """Shots taken in one go: a long pause or a change of bracketing ends a row."""
    rows: list[list[Shot]] = [[]]
    for before, shot, pause in zip((None, *shots), shots, pauses(shots), strict=False):
        if before and (before.flagged != shot.flagged or (pause or 0.0) > LONGEST_PAUSE_S[shot.flagged]):
            rows.append([])
        rows[-1].append(shot)
    return [row for row in rows if row]


def runs_of(row: Sequence[Shot]) -> list[list[Shot]]:
    """A row cut where a pause is clearly longer than the usual one."""
    gaps = pauses(row)
    known = [gap for gap in gaps if gap is not None]
    times, more = _CLEAR_PAUSE
    longest = times * median(known) + more if known else math.inf
    runs: list[list[Shot]] = [[]]
    for shot, gap in zip(row, gaps, strict=True):
        if gap is not None and gap > longest:
            runs.append([])
        runs[-1].append(shot)
    return runs


def _rungs(row: Sequence[Shot], evs: Sequence[float]) -> list[Rung]:
    """The row in numbers; pauses tell sets apart only where the camera releases, and no long exposure blurs them."""
    before = [None, *row]
    gaps = [
        pause if shot.flagged and a and (a.capture.exposure.time_s or 0.0) < 1 else None
        for a, shot, pause in zip(before, row, pauses(row), strict=False)
    ]
    offsets = [c.bias_ev if (c := s.capture).bracketing.offset_ev is None else c.bracketing.offset_ev for s in row]
    numbers = [shot.capture.bracketing.number for shot in row]
    return [Rung(*values) for values in zip(evs, gaps, offsets, numbers, strict=True)]


def row_cost(row: Sequence[Shot], pictures: Pictures) -> Callable[..., Cost]:
    """The cost of each part of a row; where the camera does not vouch for brackets, the pictures must.

    Exposures count where they are known and differ; else the brightness of the pictures, as with a flash.
    """
    flagged = row[0].flagged
    if not flagged and len(row) == 1:
        return lambda patterns=(): lambda a, b: ALONE
    told = _rungs(row, [shot.ev or 0.0 for shot in row])
    unknown = [shot.ev is None for shot in row]
    mixed = len({shot.capture.orientation for shot in row}) > 1

    def of(patterns: Sequence[Pattern] = ()) -> Cost:
        def cost(start: int, end: int) -> float:
            part, rungs, known = row[start:end], told, True not in unknown[start:end]
            if len(part) == 1:
                return ALONE
            price = ladder_cost(rungs, start, end, patterns) if known else math.inf
            if not known or (price == math.inf and flagged and not tells(part)):
                known, rungs = False, [*told[:start], *_rungs(part, darkness(part, pictures)), *told[end:]]
                price = ladder_cost(rungs, start, end, patterns, same_ev=SAME_SEEN)
            if price == math.inf:
                return price
            price += turning_cost(part, pictures) if mixed else 0.0
            return price if (flagged and known) or vouched(part, rungs[start:end], pictures, known) else math.inf

        return cost

    return of
