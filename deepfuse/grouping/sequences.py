"""The shots of one camera in one folder → the brackets among them, and why each other shot is in none."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Literal, Protocol

from deepfuse.grouping.ladders import (
    ALONE,
    MOST,
    SAME_EV,
    Pattern,
    Rung,
    common_patterns,
    in_known_order,
    ladder_cost,
    repeats,
    split,
    steps_of,
)  # fmt: skip
from deepfuse.grouping.shots import Cause, LeftOut, Shot, in_order

Evidence = Literal["maker", "exif", "ladder", "likeness", "folder", "frames", "radiance"]
LONGEST_PAUSE_S = {True: 20.0, False: 45.0}  # between frames of an automatic bracket, of one by hand
LONGEST_PAUSE_IN_FOLDER_S = 600.0
LEAST_SPAN_EV, LEAST_STEP_EV = 0.9, 0.25  # of a bracket by hand; automatic exposure wanders by less
LEAST_SPAN_SEEN, LEAST_STEP_SEEN, SAME_SEEN = 0.5, 0.1, 0.05  # in brightness, which bends towards white
FOLLOWS = 0.35  # stops of brightness a stop of exposure must bring


class Pictures(Protocol):
    """What can be seen of photos: whether two show one scene, how bright one is in stops; `None` where unclear."""

    def same(self, first: Path, second: Path, /) -> bool | None:
        """Whether two photos show one scene."""

    def level(self, file: Path, /) -> float | None:
        """The mean brightness of a photo."""


@dataclass(frozen=True)
class Found:
    """The shots of one bracket in the order of shooting, the kind of evidence, the evidence in a sentence."""

    shots: tuple[Shot, ...]
    evidence: Evidence
    why: str
    warnings: tuple[str, ...] = ()


Result = tuple[list[Found], list[LeftOut]]


def find_sequences(shots: Sequence[Shot], pictures: Pictures, *, whole_folder: bool) -> Result:
    """The brackets among shots that can be of one bracket (one camera, size and orientation).

    Args:
        shots: in any order.
        pictures: asked only where metadata cannot decide.
        whole_folder: whether they are all the photos of their folder, which is evidence in itself.
    """
    varied, others = _without_other_kinds(in_order(shots))
    if whole_folder and not others and (whole := _whole_folder(varied, pictures)):
        return [whole], []
    rows = [row for row in _rows(varied) if row]
    costs = [_row_cost(row, pictures) for row in rows]
    parts = [split(len(row), cost()) for row, cost in zip(rows, costs, strict=True)]
    brackets = [row[a:b] for row, cuts in zip(rows, parts, strict=True) for a, b in cuts if b - a > 1]
    patterns = common_patterns([_darkness(bracket, pictures) for bracket in brackets])
    parts = [split(len(row), cost(patterns)) for row, cost in zip(rows, costs, strict=True)]
    found: list[Found] = []
    for row, cuts in zip(rows, parts, strict=True):
        found += [_found(row[a:b], patterns) for a, b in cuts if b - a > 1]
        others += [_left_out(row, a, pictures) for a, b in cuts if b - a == 1]
    return found, others


def take_by_count(shots: Sequence[Shot], frames: int, pictures: Pictures) -> Result:
    """Sets of `frames` shots in order, because the user says so; warnings where the evidence speaks against one."""
    row = in_order(shots)
    end = len(row) - len(row) % frames
    sets = [tuple(row[at : at + frames]) for at in range(0, end, frames)]
    why = f"{frames} frames a set, as told"
    found = [Found(shots, "frames", why, _objections(shots, pictures)) for shots in sets]
    rest = f"{len(row) - end} of {frames} frames: too few for another set"
    return found, [LeftOut(shot.file, "alone", rest) for shot in row[end:]]


def pauses(row: Sequence[Shot]) -> list[float | None]:
    """The idle seconds before each shot: from start to start, less the exposure; `None` where unknown.

    A long exposure is taken off twice, since cameras follow it with a dark frame as long.
    """
    gaps: list[float | None] = [None]
    for a, b in pairwise(row):
        if a.capture.taken_s is None or b.capture.taken_s is None:
            gaps.append(None)
            continue
        exposed = a.capture.exposure.time_s or 0.0
        gaps.append(max(0.0, b.capture.taken_s - a.capture.taken_s - exposed * (2 if exposed >= 1 else 1)))
    return gaps


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


def _darkness(row: Sequence[Shot], pictures: Pictures) -> list[float]:
    """Exposure values, or where one is unknown the darkness of the pictures, in stops."""
    evs = [shot.ev for shot in row]
    if None not in evs:
        return [ev for ev in evs if ev is not None]
    return [-level if (level := pictures.level(shot.file)) is not None else 0.0 for shot in row]


def _rungs(row: Sequence[Shot], pictures: Pictures) -> list[Rung]:
    """The row in numbers; pauses tell sets apart only where the camera releases, and no long exposure blurs them."""
    before = [None, *row]
    gaps = [
        pause if shot.flagged and a and (a.capture.exposure.time_s or 0.0) < 1 else None
        for a, shot, pause in zip(before, row, pauses(row), strict=False)
    ]
    evs = _darkness(row, pictures)
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
            if price == math.inf or end - start == 1 or (row[0].flagged and known):
                return price
            return price if _vouched(row[start:end], rungs[start:end], pictures, known) else math.inf

        return cost

    return of


def _vouched(part: Sequence[Shot], rungs: Sequence[Rung], pictures: Pictures, known: bool) -> bool:
    """Whether shots are a bracket without the camera's word: a clear ladder, of one scene, visible in the pictures."""
    evs = [rung.ev for rung in rungs]
    span, step = (LEAST_SPAN_EV, LEAST_STEP_EV) if known else (LEAST_SPAN_SEEN, LEAST_STEP_SEEN)
    if max(evs) - min(evs) < span or median(steps_of(evs)) < step or not in_known_order(evs):
        return False
    dark_first = [shot for _, shot in sorted(zip(evs, part, strict=True), key=lambda pair: -pair[0])]
    links = [pictures.same(a.file, b.file) for a, b in pairwise(dark_first)]
    sure = sum(link is True for link in links) >= len(links) / 2 and False not in links
    return sure and (_follows(dark_first, pictures) if known else None not in links[1:-1])


def _follows(dark_first: Sequence[Shot], pictures: Pictures) -> bool:
    """Whether pictures brighten with exposure: under automatic exposure they stay as bright, whatever it does."""
    levels = [pictures.level(shot.file) for shot in dark_first]
    evs = [shot.ev for shot in dark_first]
    if None in levels or None in evs:
        return False
    rise, span = (levels[-1] or 0.0) - (levels[0] or 0.0), (evs[0] or 0.0) - (evs[-1] or 0.0)
    return rise > FOLLOWS * span and all((b or 0.0) > (a or 0.0) - SAME_EV for a, b in pairwise(levels))


def _whole_folder(row: Sequence[Shot], pictures: Pictures) -> Found | None:
    """All the photos of a folder as one bracket, unless something speaks against it."""
    if not 2 <= len(row) <= MOST or any(shot.flagged for shot in row):
        return None
    known = all(shot.ev is not None for shot in row)
    evs = _darkness(row, pictures)
    if (known and min(steps_of(evs)) < SAME_EV) or max(p or 0.0 for p in pauses(row)) > LONGEST_PAUSE_IN_FOLDER_S:
        return None
    dark_first = [shot for _, shot in sorted(zip(evs, row, strict=True), key=lambda pair: -pair[0])]
    links = [pictures.same(a.file, b.file) for a, b in pairwise(dark_first)]
    if links.count(False) > len(links) / 2 or _scenes(row, pictures) > 1 or repeats(evs):
        return None
    if known and not _follows([dark_first[0], dark_first[-1]], pictures):
        return None
    doubts = ("some of its photos look unlike the others",) if False in links else ()
    if known:
        return Found(
            tuple(row), "folder", "all photos of the folder: one camera, exposures that differ, one scene", doubts
        )
    why = "all photos of the folder show one scene; their exposures are unknown, ordered by brightness"
    return Found(tuple(dark_first), "likeness", why, doubts)


def _scenes(row: Sequence[Shot], pictures: Pictures) -> int:
    """How many runs of two or more photos of one scene a row holds."""
    runs = [1]
    for a, b in pairwise(row):
        if pictures.same(a.file, b.file) is False:
            runs.append(0)
        runs[-1] += 1
    return sum(run > 1 for run in runs)


def _found(part: Sequence[Shot], patterns: Sequence[Pattern]) -> Found:
    maker = all(shot.capture.bracketing.kind in ("exposure", "some") for shot in part)
    if part[0].flagged:
        source: Evidence = "maker" if maker else "exif"
        who = "the camera's own tag" if maker else "EXIF ExposureMode"
        found = Found(tuple(part), source, f"automatic bracket by {who}, exposures that differ")
    elif all(shot.ev is not None for shot in part):
        found = Found(tuple(part), "ladder", "a ladder of exposures shot in one go, of one scene by the look of it")
    else:
        why = "one scene at different brightness, by the look of it; exposures are unknown, ordered by brightness"
        found = Found(tuple(part), "likeness", why)
    return replace(found, warnings=_missing(part, patterns))


def _missing(part: Sequence[Shot], patterns: Sequence[Pattern]) -> tuple[str, ...]:
    """A warning where the camera was set to more frames, or the sets around have more and begin alike."""
    evs = [shot.ev or 0.0 for shot in part]
    told = max((shot.capture.bracketing.length or 0 for shot in part), default=0)
    alike = [
        len(pattern)
        for pattern in patterns
        if len(pattern) > len(part)
        and all(any(abs(b - a - (q - p)) < 0.25 for p in pattern for q in pattern if p != q) for a, b in pairwise(evs))
    ]
    wanted = max([told, *alike])
    return (
        (f"{len(part)} of {wanted} frames: the bracket was interrupted or a photo is missing",)
        if wanted > len(part)
        else ()
    )


def _left_out(row: Sequence[Shot], at: int, pictures: Pictures) -> LeftOut:
    """Why one shot of a row is in no bracket."""
    shot = row[at]
    neighbours = [*row[max(0, at - 1) : at], *row[at + 1 : at + 2]]
    if not neighbours:
        return _reason(shot, "alone", "stands alone: expected 2 or more exposures, got 1")
    if any(b.ev is not None and shot.ev is not None and abs(b.ev - shot.ev) < SAME_EV for b in neighbours):
        return _reason(shot, "burst", "a burst: shot in a row at one exposure, no bracket")
    if shot.flagged:
        return _reason(shot, "alone", "taken in bracketing mode, but no other exposure of its set is there")
    if not any(pictures.same(shot.file, b.file) for b in neighbours):
        return _reason(shot, "alone", "the photos before and after it show other scenes, or cannot be compared")
    if shot.ev is not None:
        return _reason(
            shot, "alone", "its exposure makes no ladder with its neighbours, or automatic exposure evened it out"
        )
    return _reason(shot, "alone", "shows the scene of its neighbours, but their brightness makes no ladder")


def _reason(shot: Shot, cause: Cause, why: str) -> LeftOut:
    return LeftOut(shot.file, cause, why)


def _objections(shots: Sequence[Shot], pictures: Pictures) -> tuple[str, ...]:
    """What speaks against a set that the user asked for."""
    evs = [shot.ev for shot in shots if shot.ev is not None]
    said: list[str] = []
    if len(evs) > 1 and min(steps_of(evs)) < SAME_EV:
        said.append("two of its frames have one exposure")
    if any((pause or 0.0) > LONGEST_PAUSE_S[False] for pause in pauses(shots)):
        said.append("a long pause lies between its frames")
    if any(pictures.same(a.file, b.file) is False for a, b in pairwise(shots)):
        said.append("its frames look like different scenes")
    if any(shot.capture.bracketing.kind in ("focus", "white balance", "other") for shot in shots):
        said.append("the camera says that it varied something else than exposure")
    return tuple(said)
