"""A folder of its own is evidence: all its photos as one bracket, unless something speaks against it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from deepfuse.grouping.evidence import (
    LEAST_SPAN_SEEN,
    LONGEST_PAUSE_IN_FOLDER_S,
    LONGEST_PAUSE_S,
    SAME_SEEN,
    Found,
    Pictures,
    dark_first,
    darkness,
    follows,
    links_of,
    one_scene,
    pauses,
    tells,
)
from deepfuse.grouping.ladders import MOST, SAME_EV, repeats, steps_of
from deepfuse.grouping.rows import runs_of
from deepfuse.grouping.shots import Shot

MOST_ALIKE = 9  # photos of one exposure by EXIF that may be a bracket all the same: cameras set up to 9


def whole_folder(row: Sequence[Shot], pictures: Pictures) -> Found | None:
    """All the photos of a folder as one bracket, be it too long, unless something speaks against it."""
    if not 2 <= len(row) <= 2 * MOST or any(shot.flagged for shot in row):
        return None
    if max(pause or 0.0 for pause in pauses(row)) > LONGEST_PAUSE_IN_FOLDER_S:
        return None
    known = all(shot.ev is not None for shot in row)
    if known and not tells(row):
        return _of_one_exposure(row, pictures)
    evs = darkness(row, pictures)
    if known and min(steps_of(evs)) < SAME_EV:
        return None
    by_light = dark_first(row, evs)
    links = links_of(by_light, pictures)
    if links.count(False) > len(links) / 2 or _scenes(row, pictures) > 1 or repeats(evs):
        return None
    if known and not (follows([by_light[0], by_light[-1]], pictures) or _each_brighter(by_light, pictures)):
        return None
    doubts = ("some of its photos look unlike the others",) if False in links else ()
    if known:
        return Found(
            tuple(row), "folder", "all photos of the folder: one camera, exposures that differ, one scene", doubts
        )
    why = "all photos of the folder show one scene; their exposures are unknown, ordered by brightness"
    return Found(tuple(by_light), "similarity", why, doubts)


def _of_one_exposure(row: Sequence[Shot], pictures: Pictures) -> Found | None:
    """One RAW developed several times, an aperture ring that the camera does not see, a flash: brightness tells."""
    by_light = dark_first(row, darkness(row, pictures))
    if max(pause or 0.0 for pause in pauses(row)) > LONGEST_PAUSE_S[False] or not _each_brighter(by_light, pictures):
        return None
    why = "all photos of the folder show one scene at different brightness; EXIF tells one exposure of all"
    return Found(tuple(by_light), "similarity", why)


def _each_brighter(by_light: Sequence[Shot], pictures: Pictures) -> bool:
    """Whether up to nine photos of one scene get clearly brighter one by one, though less than their exposures tell."""
    levels = [pictures.level(shot.file) or 0.0 for shot in by_light]
    clearly = levels[-1] - levels[0] >= LEAST_SPAN_SEEN and all(b - a >= SAME_SEEN for a, b in pairwise(levels))
    return len(levels) <= MOST_ALIKE and clearly and one_scene(links_of(by_light, pictures))


def one_series(row: Sequence[Shot], found: Sequence[Found], pictures: Pictures) -> Found | None:
    """Automatic brackets of one scene that go on where the other ends, shot with other exposure compensation.

    Or one that has an exposure twice, so that it came apart.
    """
    if not 2 <= len(found) <= 3 or not 4 <= len(row) <= MOST or not all(tells(one.shots) for one in found):
        return None
    evs = [shot.ev or 0.0 for shot in row]
    twice = sum(step < SAME_EV for step in steps_of(evs))
    if twice > len(found) - 1 or max(pause or 0.0 for pause in pauses(row)) > LONGEST_PAUSE_IN_FOLDER_S:
        return None
    if not (_in_series(found) or _one_run(row, found)):
        return None
    by_light = dark_first(row, evs)
    if not one_scene(links_of(by_light, pictures)) or not follows(by_light, pictures):
        return None
    series = f"{len(found)} brackets, each going on where another ends" if _in_series(found) else "one run of exposures"
    doubts = ("two of its frames have one exposure",) if twice else ()
    return Found(tuple(row), found[0].evidence, f"{series}: all photos of the folder, of one scene", doubts)


def _in_series(found: Sequence[Found]) -> bool:
    """Whether brackets are of one length and their exposures overlap by no more than half: metering wanders by less."""
    if len({len(one.shots) for one in found}) > 1 or len(found[0].shots) < 3:
        return False
    ranges = sorted((min(evs), max(evs)) for one in found if (evs := [shot.ev or 0.0 for shot in one.shots]))
    return all(a[1] - b[0] <= min(a[1] - a[0], b[1] - b[0]) / 2 for a, b in pairwise(ranges))


def _one_run(row: Sequence[Shot], found: Sequence[Found]) -> bool:
    """Whether nothing parts the brackets: no pause, no count of the camera's, no form that comes again."""
    counted = any(shot.capture.bracketing.number for shot in row)
    return len(row) > 4 and not counted and len(runs_of(row)) == 1 and not _alike(found)


def _alike(found: Sequence[Found]) -> bool:
    """Whether brackets begin with the same steps: then it is one form again and again."""
    forms = [[(shot.ev or 0.0) - (one.shots[0].ev or 0.0) for shot in one.shots] for one in found]
    return all(abs(x - y) < 0.25 for a, b in pairwise(forms) for x, y in zip(a, b, strict=False))


def _scenes(row: Sequence[Shot], pictures: Pictures) -> int:
    """How many runs of two or more photos of one scene a row holds."""
    runs = [1]
    for a, b in pairwise(row):
        if pictures.same(a.file, b.file) is False:
            runs.append(0)
        runs[-1] += 1
    return sum(run > 1 for run in runs)
