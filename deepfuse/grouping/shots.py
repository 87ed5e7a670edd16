"""The photos under a folder: which files are photos, what each says of itself, and which are one photo twice."""

from __future__ import annotations

import hashlib
import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from deepfuse.bracket import PHOTO_SUFFIXES, RADIANCE_SUFFIX, RAW_SUFFIXES
from deepfuse.errors import PhotoError
from deepfuse.photo.capture import AUTO_BRACKET, Capture

Prefer = Literal["raw", "jpeg"]
Progress = Callable[[Sequence[Path]], Iterable[Path]]
Cause = Literal["unreadable", "odd", "too many", "not exposure", "burst", "alone", "twin", "copy"]
_NUMBERS_WRAP = 5000  # file numbers in one second further apart than this have passed 9999


@dataclass(frozen=True)
class LeftOut:
    """A photo that is in no bracket: the kind of cause, and the cause in a sentence."""

    file: Path
    cause: Cause
    why: str


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
    def flagged(self) -> bool:
        """Whether the camera says that this is a frame of an automatic exposure bracket."""
        kind = self.capture.bracketing.kind
        return kind in ("exposure", "some") or (kind in (None, "none") and self.capture.exposure_mode == AUTO_BRACKET)


def walk(source: Path) -> Iterator[tuple[Path, list[Path]]]:
    """Each visible folder below `source` once, links followed, with its photos and radiance maps by name."""
    seen: set[str] = set()
    for parent, folders, names in os.walk(source, followlinks=True):
        if (real := os.path.realpath(parent)) in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(folder for folder in folders if not folder.startswith("."))
        files = [Path(parent) / name for name in sorted(names, key=natural) if not name.startswith(".")]
        yield Path(parent), [file for file in files if file.suffix.lower() in PHOTO_SUFFIXES | {RADIANCE_SUFFIX}]


def natural(name: str) -> tuple[tuple[int, str], ...]:
    """A key that sorts `IMG_9` before `IMG_10`."""
    return tuple((int(part), part) if part.isdigit() else (-1, part) for part in re.split(r"(\d{1,15})", name))


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


def without_doubles(shots: Sequence[Shot], prefer: Prefer) -> tuple[list[Shot], list[LeftOut]]:
    """The photos of one folder, each once: of RAW and JPEG the preferred one, and no copy or edited version."""
    left_out = _twins(shots, prefer)
    left_out |= _copies([shot for shot in shots if shot.file not in left_out])
    left_out |= _versions([shot for shot in shots if shot.file not in left_out])
    return [shot for shot in shots if shot.file not in left_out], list(left_out.values())


def in_order(shots: Sequence[Shot]) -> list[Shot]:
    """Shots in the order of shooting: by time, in one instant by file number, which may pass 9999; else by name."""
    instants: dict[float, list[int]] = defaultdict(list)
    for shot in shots:
        instants[shot.capture.taken_s or 0.0].append(_file_number(shot))
    wrapped = {at for at, numbers in instants.items() if max(numbers) - min(numbers) > _NUMBERS_WRAP}

    def key(shot: Shot) -> tuple[object, ...]:
        at = shot.capture.taken_s or 0.0
        late = at in wrapped and shot.capture.taken_s is not None and _file_number(shot) < _NUMBERS_WRAP
        return at, late, natural(shot.file.name)

    return sorted(shots, key=key)


def by_camera(shots: Sequence[Shot]) -> list[list[Shot]]:
    """Shots that can be of one bracket: one kind, camera, size and orientation; with times and without apart."""
    kinds: dict[tuple[object, ...], list[Shot]] = defaultdict(list)
    for shot in shots:
        c = shot.capture
        kinds[c.kind, c.camera, c.width, c.height, c.orientation, c.taken_s is None].append(shot)
    return list(kinds.values())


def _file_number(shot: Shot) -> int:
    digits = re.findall(r"\d+", shot.file.stem)
    return int(digits[-1][-4:]) if digits else 0


def _twins(shots: Sequence[Shot], prefer: Prefer) -> dict[Path, LeftOut]:
    """RAW and JPEG of one name: one of them goes."""
    stems: dict[str, list[Path]] = defaultdict(list)
    for shot in shots:
        stems[shot.file.stem.lower()].append(shot.file)
    found: dict[Path, LeftOut] = {}
    for files in stems.values():
        raw = [file for file in files if file.suffix.lower() in RAW_SUFFIXES]
        other = [file for file in files if file not in raw]
        if raw and other:
            kept, going = (raw[0], other) if prefer == "raw" else (other[0], raw)
            found |= {
                file: LeftOut(file, "twin", f"the same photo as {kept.name}, which is preferred") for file in going
            }
    return found


def _copies(shots: Sequence[Shot]) -> dict[Path, LeftOut]:
    """Files of one content: the one of the shortest name stays."""
    alike: dict[tuple[int, Capture], list[Path]] = defaultdict(list)
    for shot in shots:
        alike[shot.file.stat().st_size, shot.capture].append(shot.file)
    found: dict[Path, LeftOut] = {}
    for files in alike.values():
        seen: dict[bytes, Path] = {}
        for file in sorted(files, key=lambda f: (len(f.name), f.name)) if len(files) > 1 else ():
            kept = seen.setdefault(hashlib.sha256(file.read_bytes()).digest(), file)
            if kept is not file:
                found[file] = LeftOut(file, "copy", f"the same content as {kept.name}")
    return found


def _versions(shots: Sequence[Shot]) -> dict[Path, LeftOut]:
    """Edited versions: a name that goes on where another ends, taken in the same instant at the same exposure."""
    instants: dict[tuple[object, ...], list[Path]] = defaultdict(list)
    for shot in shots:
        if shot.capture.taken_s is not None and shot.ev is not None:
            instants[shot.capture.camera, shot.capture.taken_s, shot.ev].append(shot.file)
    found: dict[Path, LeftOut] = {}
    for files in instants.values():
        for file in files:
            kept = next((f for f in files if f != file and re.match(re.escape(f.stem) + r"[ _(~-]", file.stem)), None)
            if kept:
                found[file] = LeftOut(file, "copy", f"another version of {kept.name}: the same instant and exposure")
    return found
