"""One folder's files → its brackets with their ids, the photos in none, or why it holds no bracket."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deepfuse.bracket import RADIANCE_SUFFIX, BracketFiles, scene_id
from deepfuse.grouping.evidence import Evidence, Found, Pictures
from deepfuse.grouping.sequences import Result, find_sequences, take_by_count
from deepfuse.grouping.shots import LeftOut, Prefer, Shot, by_camera, natural, without_doubles


@dataclass(frozen=True)
class Group:
    """One bracket, or one radiance map, and why it is one.

    Attributes:
        bracket: its id and files, in the order of shooting, or from dark to bright where exposures are unknown.
        evidence: the kind of evidence.
        why: the evidence in a sentence.
        warnings: what speaks against it, or is missing.
        evs: the exposure value of each file.
        unreadable: photos that belong among its files but cannot be read.
    """

    bracket: BracketFiles
    evidence: Evidence
    why: str
    warnings: tuple[str, ...] = ()
    evs: tuple[float | None, ...] = ()
    unreadable: tuple[LeftOut, ...] = ()


@dataclass(frozen=True)
class Refused:
    """A folder with photos and no bracket: the id it would have had, and why."""

    scene: str
    why: str


@dataclass(frozen=True)
class Grouping:
    """All that is under a folder: brackets by id, photos in none, folders without a bracket."""

    groups: tuple[Group, ...]
    left_out: tuple[LeftOut, ...]
    refused: tuple[Refused, ...]


@dataclass(frozen=True)
class Folder:
    """A folder: its name, its path below the source, its files by name, the photos read and those that cannot be."""

    name: str
    parts: tuple[str, ...]
    files: tuple[Path, ...]
    shots: tuple[Shot, ...]
    unreadable: tuple[LeftOut, ...]


def group_folder(folder: Folder, prefer: Prefer, frames: int | None, pictures: Pictures) -> Grouping:
    """The brackets of one folder."""
    if all(file.suffix.lower() == RADIANCE_SUFFIX for file in folder.files):
        return Grouping(tuple(_radiance(folder, file) for file in folder.files), (), ())
    shots, doubles = without_doubles(folder.shots, prefer)
    found, others = _sequences(shots, frames, pictures)
    left_out = (*folder.unreadable, *doubles, *others)
    if not found:
        return Grouping(
            (), left_out, (Refused(scene_id(folder.parts or (folder.name,)), _no_bracket(folder, left_out)),)
        )
    alone = len(found) == 1 and not others
    return Grouping(tuple(_group(folder, one, found, alone=alone) for one in found), left_out, ())


def _sequences(shots: Sequence[Shot], frames: int | None, pictures: Pictures) -> Result:
    cameras = by_camera(shots)
    several = sum(len(camera) > 1 for camera in cameras) > 1
    found: list[Found] = []
    others: list[LeftOut] = []
    for camera in cameras:
        if frames:
            sets, rest = take_by_count(camera, frames, pictures)
        else:
            sets, rest = find_sequences(camera, pictures, whole_folder=not several)
        found += sets
        others += rest
    return found, others


def _radiance(folder: Folder, file: Path) -> Group:
    return Group(BracketFiles(scene_id((*folder.parts, file.stem)), (file,)), "radiance", "a radiance map", (), (None,))


def _group(folder: Folder, found: Found, every: Sequence[Found], *, alone: bool) -> Group:
    files = tuple(shot.file for shot in found.shots)
    first = min(files, key=lambda file: natural(file.name)) if found.evidence == "likeness" else files[0]
    stems = [min(one.shots, key=lambda shot: natural(shot.file.name)).file.stem for one in every]
    name = first.stem if stems.count(first.stem) < 2 else first.name
    parts = (folder.parts or (folder.name,)) if alone else (*folder.parts, name)
    names = sorted(natural(file.name) for file in files)
    missing = tuple(
        one for one in folder.unreadable if len(every) == 1 or names[0] < natural(one.file.name) < names[-1]
    )
    warnings = (*found.warnings, *(f"{one.file.name} may belong to it but cannot be read" for one in missing))
    evs = tuple(shot.ev for shot in found.shots)
    return Group(BracketFiles(scene_id(parts), files), found.evidence, found.why, warnings, evs, missing)


def _no_bracket(folder: Folder, left_out: Sequence[LeftOut]) -> str:
    """Why a folder holds no bracket, in the words of its photos."""
    if len(folder.shots) + len(folder.unreadable) == 1 and folder.shots:
        return f"expected 2 or more exposures, got 1 ({folder.shots[0].file})"
    reasons = list(dict.fromkeys(one.why for one in left_out))
    return f"expected a bracket, got none in {len(left_out)} photos: {'; '.join(reasons[:3])}"
