"""The photos under a folder: which files are photos, and what each says of itself."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal

from deepfuse.bracket import PHOTO_SUFFIXES, RADIANCE_SUFFIX
from deepfuse.errors import PhotoError
from deepfuse.photo.capture import AUTO_BRACKET, Capture

Progress = Callable[[Sequence[Path]], Iterable[Path]]
Cause = Literal["unreadable", "no photo", "odd", "too many", "not exposure", "burst", "alone", "twin", "copy", "fused"]
NOT_SEARCHED = Path(".deepfuse/not_searched")
"""Below a folder, says that pictures in it were made of photos around it."""
_DCF = re.compile(r"((?!.*\d{6}.*\D\d).*\D)\d{4,7}")  # a date before it: then it is the time of day
_SUFFIXES = PHOTO_SUFFIXES | {RADIANCE_SUFFIX}
_FUSED = re.compile(r"(.+)_fused(_mask_.+)?")  # the names that `deepfuse fuse` gives where it is told none
_NEAR_WRAP = 20  # how far from 9999 and from 0 photos of one set may be numbered
_NUMBERS_WRAP = 5000  # file numbers in one second further apart than this have passed 9999


@dataclass(frozen=True)
class LeftOut:
    """A photo that is in no bracket: the kind of cause, and the cause in a sentence.

    `damaged` tells of a file that cannot be read and costs no bracket: a copy of a whole photo, or no photo at all.
    """

    file: Path
    cause: Cause
    why: str
    damaged: bool = False


@dataclass(frozen=True)
class Shot:
    """A photo and how it was taken."""

    file: Path
    capture: Capture

    @property
    def ev(self) -> float | None:
        """The exposure value, `None` where the file does not say."""
        return self.capture.exposure.ev

    @property
    def stored_size(self) -> tuple[int, int]:
        """Width and height in pixels, not turned upright."""
        size = self.capture.width, self.capture.height
        return size[::-1] if self.capture.orientation > 4 else size

    @property
    def flagged(self) -> bool:
        """Whether the camera says that this is a frame of an automatic exposure bracket."""
        kind = self.capture.bracketing.kind
        return kind in ("exposure", "some") or (kind in (None, "none") and self.capture.exposure_mode == AUTO_BRACKET)


def walk(source: Path, *, links: bool = True) -> Iterator[tuple[Path, list[Path]]]:
    """Each visible folder below `source` once, with its photos and radiance maps by name; links followed or not.

    Folders that are marked as `NOT_SEARCHED` are left out, but for `source` itself.
    """
    seen: set[str] = set()
    for parent, folders, names in os.walk(source, followlinks=links):
        real = os.path.realpath(parent) if links else parent
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(folder for folder in folders if _searched(parent, folder))
        files = [Path(f"{parent}/{name}") for name in sorted(names, key=natural) if not name.startswith(".")]
        yield Path(parent), [file for file in files if file.suffix.lower() in _SUFFIXES]


def fused_of(files: Sequence[Path]) -> dict[Path, str]:
    """Which files of a folder are pictures that were fused of photos beside them, by their names, and the photo's."""
    stems = {file.stem: file.name for file in files}
    named = {file: _FUSED.fullmatch(file.stem) for file in files}
    return {file: stems[name[1]] for file, name in named.items() if name and name[1] in stems}


def _searched(parent: str, folder: str) -> bool:
    return not folder.startswith(".") and not Path(f"{parent}/{folder}/{NOT_SEARCHED}").exists()


def linked_folders(source: Path) -> list[Path]:
    """The visible links to folders below `source`."""
    found = (f"{parent}/{name}" for parent, folders, _ in os.walk(source) for name in folders)
    links = map(Path, filter(os.path.islink, found))
    return sorted(one for one in links if not any(part.startswith(".") for part in one.relative_to(source).parts))


def natural(name: str) -> tuple[tuple[int, str], ...]:
    """A key that sorts `IMG_9` before `IMG_10`."""
    return tuple((int(part), part) if part.isdecimal() else (-1, part) for part in re.split(r"(\d{1,15})", name))


def read_shots(
    files: Iterable[Path], look: Callable[[Path], Capture]
) -> tuple[dict[Path, list[Shot]], dict[Path, list[LeftOut]]]:
    """Every file that can be read as a photo, as `look` says how it was taken, and those that cannot, by folder."""
    shots: dict[Path, list[Shot]] = defaultdict(list)
    unreadable: dict[Path, list[LeftOut]] = defaultdict(list)
    for file in files:
        try:
            shots[file.parent].append(Shot(file, look(file)))
        except PhotoError as error:
            unreadable[file.parent].append(LeftOut(file, "unreadable", str(error)))
    return shots, unreadable


def in_order(shots: Sequence[Shot]) -> list[Shot]:
    """Shots in the order of shooting: by time, in one instant by file number, which may pass 9999; else by name.

    Where one has no time, all are by name.
    """
    if any(shot.capture.taken_s is None for shot in shots):
        low = _begun_again(shots)
        return sorted(shots, key=lambda shot: (natural(shot.file.parent.name), shot in low, natural(shot.file.name)))
    instants: dict[float, list[int]] = defaultdict(list)
    for shot in shots:
        instants[shot.capture.taken_s or 0.0].append(file_number(shot))
    wrapped = {at for at, numbers in instants.items() if max(numbers) - min(numbers) > _NUMBERS_WRAP}

    def key(shot: Shot) -> tuple[object, ...]:
        at = shot.capture.taken_s or 0.0
        late = at in wrapped and file_number(shot) < _NUMBERS_WRAP
        return at, late, natural(shot.file.name)

    return sorted(shots, key=key)


def _begun_again(shots: Sequence[Shot]) -> set[Shot]:
    """Shots of one folder numbered from the start again, behind 9999: those below the gap in the numbers."""
    if not numbered(shots):
        return set()
    numbers = sorted({file_number(shot) for shot in shots})
    gap, above = max(((b - a, b) for a, b in pairwise(numbers)), default=(0, 0))
    if gap < _NUMBERS_WRAP or numbers[0] > _NEAR_WRAP or numbers[-1] < 9999 - _NEAR_WRAP:
        return set()
    return {shot for shot in shots if file_number(shot) < above}


def numbered(shots: Sequence[Shot]) -> bool:
    """Whether names are a camera's: one text and a number of four digits or more, in one folder."""
    names = {(shot.file.parent, name[1]) if (name := _DCF.fullmatch(shot.file.stem)) else None for shot in shots}
    return len(names) == 1 and None not in names


def by_camera(shots: Sequence[Shot]) -> list[list[Shot]]:
    """Shots that can be of one bracket: one kind, camera and stored size.

    Their orientation flags may differ: a camera that points down does not know how it is held. Those without a capture
    time are apart, unless their names tell where they belong among the others.
    """
    kinds: dict[tuple[object, ...], list[Shot]] = defaultdict(list)
    for shot in shots:
        kinds[shot.capture.kind, shot.capture.camera, shot.stored_size].append(shot)
    return [part for alike in kinds.values() for part in _by_dating(alike)]


def _by_dating(shots: list[Shot]) -> list[list[Shot]]:
    """Shots with capture times and without, together where the times rise with the names."""
    dated, undated = (
        [shot for shot in shots if (shot.capture.taken_s is None) == missing] for missing in (False, True)
    )
    if not dated or not undated:
        return [shots]
    times = [shot.capture.taken_s or 0.0 for shot in sorted(dated, key=lambda shot: natural(shot.file.name))]
    return [shots] if len(undated) < len(dated) and times == sorted(times) else [dated, undated]


def file_number(shot: Shot) -> int:
    """The number that a camera gave a photo, its last four digits; 0 where its name has none."""
    digits = re.findall(r"\d+", shot.file.stem)
    return int(digits[-1][-4:]) if digits else 0
