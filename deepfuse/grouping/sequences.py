"""The shots of one camera in one folder → the brackets among them, and why each other shot is in none."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

from deepfuse.grouping.evidence import (
    LONGEST_PAUSE_IN_FOLDER_S,
    LONGEST_PAUSE_S,
    SAME_SEEN,
    Found,
    Pictures,
    darkness,
    follows,
    pauses,
    turning_cost,
    vouched,
)  # fmt: skip
from deepfuse.grouping.ladders import (
    ALONE,
    MOST,
    SAME_EV,
    Pattern,
    Rung,
    common_patterns,
    ladder_cost,
    repeats,
    split,
    steps_of,
)  # fmt: skip
from deepfuse.grouping.reasons import found_in, left_out, objections, too_many
from deepfuse.grouping.shots import LeftOut, Shot, in_order

Result = tuple[list[Found], list[LeftOut]]


def find_sequences(shots: Sequence[Shot], pictures: Pictures, *, whole_folder: bool) -> Result:
    """The brackets among shots that can be of one bracket (one camera, size and orientation).

    Args:
        shots: in any order.
        pictures: asked only where metadata cannot decide.
        whole_folder: whether their folder holds no other photos to group, which is evidence in itself.
    """
    varied, others = _without_other_kinds(in_order(shots))
    if whole_folder and not others and (whole := _whole_folder(varied, pictures)):
        return ([whole], []) if len(varied) <= MOST else ([], too_many(varied))
    rows = [row for row in _rows(varied) if row]
    costs = [_row_cost(row, pictures) for row in rows]
    parts = [split(len(row), cost()) for row, cost in zip(rows, costs, strict=True)]
    brackets = [row[a:b] for row, cuts in zip(rows, parts, strict=True) for a, b in cuts if b - a > 1]
    patterns = common_patterns([darkness(bracket, pictures) for bracket in brackets])
    parts = [split(len(row), cost(patterns)) for row, cost in zip(rows, costs, strict=True)]
    found: list[Found] = []
    for row, cuts in zip(rows, parts, strict=True):
        found += [found_in(row[a:b], patterns, pictures) for a, b in cuts if b - a > 1]
        others += [left_out(row, a, pictures) for a, b in cuts if b - a == 1]
    return found, others


def take_by_count(shots: Sequence[Shot], frames: int, pictures: Pictures) -> Result:
    """Sets of `frames` shots in order, because the user says so; warnings where the evidence speaks against one."""
    row = in_order(shots)
    end = len(row) - len(row) % frames
    sets = [tuple(row[at : at + frames]) for at in range(0, end, frames)]
    why = f"{frames} frames a set, as told"
    found = [Found(shots, "frames", why, objections(shots, pictures)) for shots in sets]
    rest = f"{len(row) - end} of {frames} frames: too few for another set"
    return found, [LeftOut(shot.file, "alone", rest) for shot in row[end:]]


def _without_other_kinds(row: Sequence[Shot]) -> tuple[list[Shot], list[LeftOut]]:
    """Shots that may be of an exposure bracket, and those of a bracket of another kind."""
    kinds = {"focus": "a focus bracket", "white balance": "a white-balance bracket", "other": "a bracket"}
    others = [
        LeftOut(shot.file, "not exposure", f"part of {kinds[kind]} by the camera's own tag, not of an exposure bracket")
        for shot in row
        if (kind := shot.capture.bracketing.kind) in kinds
    ]
    return [shot for shot in row if shot.capture.bracketing.kind not in kinds], others


def _rows(shots: Sequence[Shot]) -> list[list[Shot]]:
    """Shots taken in one go: a long pause or a change of bracketing ends a row."""
    rows: list[list[Shot]] = [[]]
    for before, shot, pause in zip((None, *shots), shots, pauses(shots), strict=False):
        if before and (before.flagged != shot.flagged or (pause or 0.0) > LONGEST_PAUSE_S[shot.flagged]):
            rows.append([])
        rows[-1].append(shot)
    return rows


def _rungs(row: Sequence[Shot], pictures: Pictures) -> list[Rung]:
    """The row in numbers; pauses tell sets apart only where the camera releases, and no long exposure blurs them."""
    before = [None, *row]
    gaps = [
        pause if shot.flagged and a and (a.capture.exposure.time_s or 0.0) < 1 else None
        for a, shot, pause in zip(before, row, pauses(row), strict=False)
    ]
    evs = darkness(row, pictures)
    offsets = [c.bias_ev if (c := s.capture).bracketing.offset_ev is None else c.bracketing.offset_ev for s in row]
    numbers = [shot.capture.bracketing.number for shot in row]
    return [Rung(*values) for values in zip(evs, gaps, offsets, numbers, strict=True)]


def _row_cost(row: Sequence[Shot], pictures: Pictures) -> Callable[..., Callable[[int, int], float]]:
    """The cost of each part of a row; where the camera does not vouch for brackets, the pictures must."""
    if not row[0].flagged and len(row) == 1:
        return lambda patterns=(): lambda a, b: ALONE
    rungs = _rungs(row, pictures)
    known = all(shot.ev is not None for shot in row)

    def of(patterns: Sequence[Pattern] = ()) -> Callable[[int, int], float]:
        def cost(start: int, end: int) -> float:
            price = ladder_cost(rungs, start, end, patterns, same_ev=SAME_EV if known else SAME_SEEN)
            if price == math.inf or end - start == 1:
                return price
            part = row[start:end]
            price += turning_cost(part, pictures)
            return price if (row[0].flagged and known) or vouched(part, rungs[start:end], pictures, known) else math.inf

        return cost

    return of


def _whole_folder(row: Sequence[Shot], pictures: Pictures) -> Found | None:
    """All the photos of a folder as one bracket, be it too long, unless something speaks against it."""
    if not 2 <= len(row) <= 2 * MOST or any(shot.flagged for shot in row):
        return None
    known = all(shot.ev is not None for shot in row)
    evs = darkness(row, pictures)
    if (known and min(steps_of(evs)) < SAME_EV) or max(p or 0.0 for p in pauses(row)) > LONGEST_PAUSE_IN_FOLDER_S:
        return None
    dark_first = [shot for _, shot in sorted(zip(evs, row, strict=True), key=lambda pair: -pair[0])]
    links = [pictures.same(a.file, b.file) for a, b in pairwise(dark_first)]
    if links.count(False) > len(links) / 2 or _scenes(row, pictures) > 1 or repeats(evs):
        return None
    if known and not follows([dark_first[0], dark_first[-1]], pictures):
        return None
    doubts = ("some of its photos look unlike the others",) if False in links else ()
    if known:
        return Found(
            tuple(row), "folder", "all photos of the folder: one camera, exposures that differ, one scene", doubts
        )
    why = "all photos of the folder show one scene; their exposures are unknown, ordered by brightness"
    return Found(tuple(dark_first), "similarity", why, doubts)


def _scenes(row: Sequence[Shot], pictures: Pictures) -> int:
    """How many runs of two or more photos of one scene a row holds."""
    runs = [1]
    for a, b in pairwise(row):
        if pictures.same(a.file, b.file) is False:
            runs.append(0)
        runs[-1] += 1
    return sum(run > 1 for run in runs)
