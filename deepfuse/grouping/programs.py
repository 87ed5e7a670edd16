"""Runs of exposures that a program repeats with a pause between, though one exposure is in them twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from deepfuse.grouping.evidence import (
    LEAST_SPAN_EV,
    Found,
    Pictures,
    dark_first,
    follows,
    links_of,
    one_scene,
    tells,
)
from deepfuse.grouping.ladders import MOST, SAME_EV, steps_of
from deepfuse.grouping.rows import runs_of
from deepfuse.grouping.shots import Shot

_FEWEST_EXPOSURES = 3
Form = tuple[float, ...]


def take_programs(rows: Sequence[list[Shot]], pictures: Pictures) -> tuple[list[Found], list[list[Shot]]]:
    """Runs of one form with an exposure twice, two or more of them, each of one scene; and the rows that are left.

    Without two such runs nobody can tell a set with an exposure twice from two sets.
    """
    runs = [run for row in rows for run in runs_of(row)]
    forms = Counter(form for run in runs if (form := _form(run)))
    found: list[Found] = []
    left: list[list[Shot]] = []
    for row in rows:
        pieces: list[list[Shot]] = [[]]
        for run in runs_of(row):
            form = _form(run)
            if form and forms[form] > 1 and _one_scene(run, pictures):
                found.append(_found(run))
                pieces.append([])
            else:
                pieces[-1] += run
        left += [piece for piece in pieces if piece]
    return found, left


def _form(run: Sequence[Shot]) -> Form | None:
    """The steps of a run with an exposure twice; `None` where it has none, or is no bracket by its numbers."""
    if not _FEWEST_EXPOSURES < len(run) <= MOST or not tells(run):
        return None
    evs = [shot.ev or 0.0 for shot in run]
    steps = steps_of(evs)
    twice = sum(step < SAME_EV for step in steps)
    if not 0 < twice <= len(run) // 4 or max(evs) - min(evs) < LEAST_SPAN_EV:
        return None
    return tuple(round(ev - evs[0], 1) for ev in evs)


def _one_scene(run: Sequence[Shot], pictures: Pictures) -> bool:
    by_light = dark_first(run, [shot.ev or 0.0 for shot in run])
    return one_scene(links_of(by_light, pictures)) and follows(by_light, pictures)


def _found(run: Sequence[Shot]) -> Found:
    why = "one run of exposures again and again, with a pause between, each of one scene"
    return Found(tuple(run), "ladder", why, ("two of its frames have one exposure",))
