"""The shots of one camera in one folder → the brackets among them, and why each other shot is in none."""

from __future__ import annotations

from collections.abc import Sequence

from deepfuse.grouping.evidence import Found, Pictures, darkness
from deepfuse.grouping.ladders import MOST, common_patterns, split
from deepfuse.grouping.programs import take_programs
from deepfuse.grouping.reasons import found_in, left_out, objections, too_many
from deepfuse.grouping.rows import row_cost, rows_of
from deepfuse.grouping.shots import LeftOut, Shot, in_order
from deepfuse.grouping.strands import untangled
from deepfuse.grouping.wholes import one_series
from deepfuse.grouping.wholes import whole_folder as whole_of

Result = tuple[list[Found], list[LeftOut]]


def find_sequences(shots: Sequence[Shot], pictures: Pictures, *, whole_folder: bool) -> Result:
    """The brackets among shots that can be of one bracket (one camera, size and orientation).

    Args:
        shots: in any order.
        pictures: asked only where metadata cannot decide.
        whole_folder: whether their folder holds no other photos to group, which is evidence in itself.
    """
    varied, others = _without_other_kinds(in_order(shots))
    if whole_folder and not others and (whole := whole_of(varied, pictures)):
        return ([whole], []) if len(varied) <= MOST else ([], too_many(varied))
    programs, rows = take_programs(rows_of(varied), pictures)
    rows = [strand for row in rows for strand in untangled(row, pictures)]
    costs = [row_cost(row, pictures) for row in rows]
    parts = [split(len(row), cost()) for row, cost in zip(rows, costs, strict=True)]
    brackets = [row[a:b] for row, cuts in zip(rows, parts, strict=True) for a, b in cuts if b - a > 1]
    taken = [darkness(bracket, pictures) for bracket in brackets]
    patterns, forms = common_patterns(taken), [tuple(ev - evs[0] for ev in evs) for evs in taken]
    parts = [split(len(row), cost(patterns)) for row, cost in zip(rows, costs, strict=True)]
    found, alone = list(programs), list[LeftOut]()
    for row, cuts in zip(rows, parts, strict=True):
        found += [found_in(row[a:b], forms, pictures) for a, b in cuts if b - a > 1]
        alone += [left_out(row, a, pictures) for a, b in cuts if b - a == 1]
    if whole_folder and not others and not alone and (series := one_series(varied, found, pictures)):
        return [series], []
    return found, [*others, *alone]


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
