"""What tells that a frame of a bracket is missing: the camera's word, the other sets, file numbers, a wide step."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import median

from deepfuse.grouping.evidence import tells
from deepfuse.grouping.ladders import UNEVEN_EV, Pattern, steps_of, uneven
from deepfuse.grouping.shots import Shot, numbered

_ALIKE_EV = 0.25  # within which steps of two brackets are one


def interrupted(part: Sequence[Shot], forms: Sequence[Pattern]) -> tuple[str, ...]:
    """A warning where the camera was set to more frames, or more of its sets hold these steps and others besides.

    Args:
        part: the bracket.
        forms: of all brackets of this camera, exposures in relation to the first frame's. Of brackets by hand it takes
            two to make a habit.
    """
    wanted = max((shot.capture.bracketing.length or 0 for shot in part), default=0)
    if tells(part):
        steps = [(b.ev or 0.0) - (a.ev or 0.0) for a, b in pairwise(part)]
        longer = Counter(len(form) for form in forms if _within(steps, form))
        alike = sum(len(form) == len(part) and _same(steps, form) for form in forms)
        least = max(alike, 1 if part[0].flagged and alike == 1 else 2)
        usual = [length for length, count in longer.items() if count >= least and (count > alike or alike == 1)]
        wanted = max([wanted, *usual])
    if wanted <= len(part):
        return ()
    return (f"{len(part)} of {wanted} frames: the bracket was interrupted or a photo is missing",)


def _within(steps: Sequence[float], pattern: Pattern) -> bool:
    """Whether a bracket that takes these steps may be what is left of a longer one."""
    taken = [q - p for p in pattern for q in pattern if p != q]
    return len(pattern) > len(steps) + 1 and all(any(abs(step - one) < _ALIKE_EV for one in taken) for step in steps)


def _same(steps: Sequence[float], pattern: Pattern) -> bool:
    return all(abs(b - a - step) < _ALIKE_EV for (a, b), step in zip(pairwise(pattern), steps, strict=True))


def skipped(shots: Sequence[Shot], there: Collection[Path]) -> tuple[str, ...]:
    """A warning where a camera's numbers skip photos that are not there, or a step is twice as large as all others.

    Args:
        shots: the bracket.
        there: all photos of its folders.
    """
    if gone := _numbers_gone(shots, there):
        verb = "is" if len(gone) == 1 else "are"
        return (f"{', '.join(gone)} {verb} not there: a frame may be missing",)
    *others, widest = sorted(steps_of([shot.ev or 0.0 for shot in shots]))
    wide = len(others) > 1 and not uneven(others) and abs(widest - 2 * median(others)) < UNEVEN_EV / 2
    if wide and tells(shots):
        return ("one step is twice as large as the others: a frame may be missing",)
    return ()


def _numbers_gone(shots: Sequence[Shot], there: Collection[Path]) -> list[str]:
    if not numbered(shots):
        return []
    numbers = [re.sub(r"^.*\D", "", shot.file.stem) for shot in shots]
    beside, text = shots[0].file.parent, shots[0].file.stem.removesuffix(numbers[0])
    low, high = min(map(int, numbers)), max(map(int, numbers))
    if high - low + 1 > 2 * len(shots):  # the counter began again, or the photos are of several rows
        return []
    known = {file.stem for file in there if file.parent == beside}
    return [stem for n in range(low, high + 1) if (stem := f"{text}{n:0{len(numbers[0])}}") not in known]
