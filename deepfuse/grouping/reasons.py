"""What is said of a bracket found, of a shot left out, and against a set that the user asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import get_args

from deepfuse.grouping.evidence import LONGEST_PAUSE_S, Evidence, Found, Pictures, pauses, tells
from deepfuse.grouping.ladders import MOST, SAME_EV, Pattern, steps_of
from deepfuse.grouping.missing import interrupted
from deepfuse.grouping.shots import Cause, LeftOut, Shot

SHOWN = 3  # reasons, and files each
_MOST_TELLING: tuple[Cause, ...] = get_args(Cause)
_TRAITS: dict[str, Callable[[Shot], str]] = {
    "kind": lambda shot: shot.capture.kind,
    "camera": lambda shot: shot.capture.camera or "an unknown one",
    "size": lambda shot: "×".join(map(str, shot.stored_size)),
    "dating": lambda shot: "no capture time" if shot.capture.taken_s is None else "a capture time",
}


def found_in(part: Sequence[Shot], forms: Sequence[Pattern], pictures: Pictures) -> Found:
    """A part of a row as a bracket: by whose word, and whether frames of it are missing."""
    dark_first = part if tells(part) else sorted(part, key=lambda shot: pictures.level(shot.file) or 0.0)
    maker = all(shot.capture.bracketing.kind in ("exposure", "some") for shot in part)
    if part[0].flagged:
        source: Evidence = "maker" if maker else "exif"
        who = "the camera's own tag" if maker else "EXIF ExposureMode"
        found = Found(tuple(part), source, f"automatic bracket by {who}, exposures that differ")
        if not tells(part):
            why = f"automatic bracket by {who}; exposures do not tell, as with a flash: ordered by brightness"
            found = Found(tuple(dark_first), source, why)
    elif all(shot.ev is not None for shot in part):
        found = Found(tuple(part), "ladder", "a ladder of exposures shot in one go, of one scene by the look of it")
    else:
        why = "one scene at different brightness, by the look of it; exposures are unknown, ordered by brightness"
        found = Found(tuple(dark_first), "similarity", why)
    return replace(found, warnings=interrupted(part, forms))


def turned(shots: Sequence[Shot]) -> tuple[str, ...]:
    """A warning where frames of one camera held still say that they are turned differently."""
    flags = {shot.file.name: shot.capture.orientation for shot in shots}
    if len(set(flags.values())) == 1:
        return ()
    told = ", ".join(f"{flag} ({name})" for name, flag in flags.items())
    return (f"expected frames of one orientation, got {told}: that of most counts, or --orientation",)


def left_out(row: Sequence[Shot], at: int, pictures: Pictures) -> LeftOut:
    """Why one shot of a row is in no bracket."""
    shot = row[at]
    neighbours = [*row[max(0, at - 1) : at], *row[at + 1 : at + 2]]
    if not neighbours and not shot.flagged:
        return LeftOut(shot.file, "alone", "stands alone: expected 2 or more exposures, got 1")
    if any(b.ev is not None and shot.ev is not None and abs(b.ev - shot.ev) < SAME_EV for b in neighbours):
        return LeftOut(shot.file, "burst", "a burst: shot in a row at one exposure, no bracket")
    if shot.flagged:
        return LeftOut(shot.file, "alone", "taken in bracketing mode, but no other exposure of its set is there")
    if not any(pictures.same(shot.file, b.file) for b in neighbours):
        return LeftOut(shot.file, "alone", "the photos before and after it show other scenes, or cannot be compared")
    if shot.ev is not None:
        return LeftOut(
            shot.file, "alone", "its exposure makes no ladder with its neighbours, or automatic exposure evened it out"
        )
    return LeftOut(shot.file, "alone", "shows the scene of its neighbours, but their brightness makes no ladder")


def odd_one(shot: Shot, usual: Shot) -> LeftOut:
    """Why a shot that cannot be of one bracket with any other in its folder is in none: what the others have."""
    pairs = {trait: (of(usual), of(shot)) for trait, of in _TRAITS.items()}
    trait, (expected, got) = next((trait, pair) for trait, pair in pairs.items() if pair[0] != pair[1])
    why = f"expected frames of one {trait}, {expected} like {usual.file.name}, got {got}"
    return LeftOut(shot.file, "odd", why)


def too_many(shots: Sequence[Shot]) -> list[LeftOut]:
    """Shots that would be one bracket, were they fewer."""
    return [LeftOut(shot.file, "too many", f"expected at most {MOST} exposures, got {len(shots)}") for shot in shots]


def no_bracket(left_out: Sequence[LeftOut]) -> str:
    """Why a folder of these photos holds no bracket: the most telling reasons, with the files."""
    if len(left_out) == 1 and left_out[0].cause == "alone":
        return f"expected 2 or more exposures, got 1 ({left_out[0].file})"
    reasons: dict[str, list[str]] = {}
    for one in sorted(left_out, key=lambda one: _MOST_TELLING.index(one.cause)):
        reasons.setdefault(one.why, []).extend([one.file.name] if one.cause not in ("unreadable", "no photo") else [])
    said = [f"{why} ({_some(files)})" if files else why for why, files in reasons.items()]
    return f"expected a bracket, got none in {len(left_out)} photos: {_some(said, '; ')}"


def _some(parts: Sequence[str], between: str = ", ") -> str:
    shown = between.join(parts[:SHOWN])
    return shown if len(parts) <= SHOWN else f"{shown}{between}{len(parts) - SHOWN} more"


def objections(shots: Sequence[Shot], pictures: Pictures) -> tuple[str, ...]:
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
