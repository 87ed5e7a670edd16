"""What is known of a few shots together: pauses, darkness, and whether the pictures bear a bracket out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Literal, Protocol

from deepfuse.grouping.ladders import SAME_EV, Rung, in_known_order, steps_of
from deepfuse.grouping.shots import Shot

Evidence = Literal["maker", "exif", "ladder", "similarity", "folder", "frames", "radiance"]
LONGEST_PAUSE_S = {True: 20.0, False: 45.0}  # between frames of an automatic bracket, of one by hand
LONGEST_PAUSE_IN_FOLDER_S = 600.0  # a folder of their own vouches for more, unless the light has moved on
LEAST_SPAN_EV, LEAST_STEP_EV = 0.9, 0.25  # of a bracket by hand; automatic exposure wanders by less
LEAST_SPAN_SEEN, LEAST_STEP_SEEN, SAME_SEEN = 0.5, 0.1, 0.05  # in brightness, which bends towards white
TURNED = 0.5  # the price of a flag that differs within a bracket, where one of good form costs 1
NEARLY_WHITE = -0.15  # in stops of brightness
FOLLOWS = 0.35  # stops of brightness a stop of exposure must bring


class Pictures(Protocol):
    """What can be seen of photos when they are asked for; `None` where it is unclear."""

    def same(self, first: Path, second: Path, /) -> bool | None:
        """Whether two photos show one scene."""

    def level(self, file: Path, /) -> float | None:
        """The mean brightness of a photo in stops."""

    def damage(self, file: Path, /) -> str | None:
        """Why a photo that was asked for cannot be decoded."""


@dataclass(frozen=True)
class Found:
    """The shots of one bracket in the order of shooting, the kind of evidence, the evidence in a sentence."""

    shots: tuple[Shot, ...]
    evidence: Evidence
    why: str
    warnings: tuple[str, ...] = ()


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


def tells(row: Sequence[Shot]) -> bool:
    """Whether exposure values tell shots apart: all are known, and not all are one."""
    evs = [shot.ev for shot in row if shot.ev is not None]
    return len(evs) == len(row) and max(evs) - min(evs) >= SAME_EV


def darkness(row: Sequence[Shot], pictures: Pictures) -> list[float]:
    """Exposure values, or where they do not tell the darkness of the pictures, in stops."""
    if tells(row):
        return [shot.ev or 0.0 for shot in row]
    return [-level if (level := pictures.level(shot.file)) is not None else 0.0 for shot in row]


def vouched(part: Sequence[Shot], rungs: Sequence[Rung], pictures: Pictures, known: bool) -> bool:
    """Whether shots are a bracket without the camera's word: a clear ladder, of one scene, visible in the pictures."""
    evs = [rung.ev for rung in rungs]
    span, step = (LEAST_SPAN_EV, LEAST_STEP_EV) if known else (LEAST_SPAN_SEEN, LEAST_STEP_SEEN)
    if max(evs) - min(evs) < span or median(steps_of(evs)) < step or not in_known_order(evs):
        return False
    row = dark_first(part, evs)
    links = links_of(row, pictures)
    return one_scene(links) and (follows(row, pictures) if known else None not in links[1:-1])


def dark_first(row: Sequence[Shot], evs: Sequence[float]) -> list[Shot]:
    """Shots from dark to bright, by these exposure values."""
    return [shot for _, shot in sorted(zip(evs, row, strict=True), key=lambda pair: -pair[0])]


def links_of(row: Sequence[Shot], pictures: Pictures) -> list[bool | None]:
    """Whether each shot and the next one show one scene."""
    return [pictures.same(a.file, b.file) for a, b in pairwise(row)]


def one_scene(links: Sequence[bool | None]) -> bool:
    """Whether shots with these links are of one scene: half of them surely, and none surely not."""
    return False not in links and links.count(True) >= len(links) / 2


def turning_cost(part: Sequence[Shot], pictures: Pictures) -> float:
    """What it costs to call shots of different orientation flags one bracket: infinite where the camera was turned.

    Their pictures are compared as they are stored: a camera that pointed down shows one scene all the same.
    """
    turns = [(a, b) for a, b in pairwise(part) if a.capture.orientation != b.capture.orientation]
    if any(pictures.same(a.file, b.file) is False for a, b in turns):
        return math.inf
    return TURNED if turns else 0.0


def follows(dark_first: Sequence[Shot], pictures: Pictures) -> bool:
    """Whether pictures brighten with exposure: under automatic exposure they stay as bright, whatever it does."""
    levels = [pictures.level(shot.file) for shot in dark_first]
    evs = [shot.ev for shot in dark_first]
    if None in levels or None in evs:
        return False
    rise, span = (levels[-1] or 0.0) - (levels[0] or 0.0), (evs[0] or 0.0) - (evs[-1] or 0.0)
    if (levels[-1] or 0.0) > NEARLY_WHITE:  # no metering leads there, and nothing can get much brighter
        span = min(span, 2 * LEAST_SPAN_SEEN / FOLLOWS)
    return rise > FOLLOWS * span and all((b or 0.0) > (a or 0.0) - SAME_EV for a, b in pairwise(levels))
