"""One folder's files → its brackets with their ids, the photos in none, or why it holds no bracket."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from deepfuse.bracket import RADIANCE_SUFFIX, BracketFiles, scene_id
from deepfuse.errors import PhotoError
from deepfuse.grouping.copies import without_copies
from deepfuse.grouping.damage import (
    Damage,
    belongs,
    doubts,
    look_at_doubles,
    look_at_twins,
    told_apart,
    undecodable,
)
from deepfuse.grouping.evidence import Evidence, Found, Pictures
from deepfuse.grouping.formats import Prefer, find_sets
from deepfuse.grouping.missing import skipped
from deepfuse.grouping.names import Home, scene_names
from deepfuse.grouping.reasons import no_bracket, turned
from deepfuse.grouping.sequences import Result
from deepfuse.grouping.shots import LeftOut, Shot
from deepfuse.grouping.wholes import MOST_ALIKE
from deepfuse.photo import check_file


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
        strays: files beside it that hold no photo though named as one, and are no frame of it by name or content.
    """

    bracket: BracketFiles
    evidence: Evidence
    why: str
    warnings: tuple[str, ...] = ()
    evs: tuple[float | None, ...] = ()
    unreadable: tuple[LeftOut, ...] = ()
    strays: tuple[LeftOut, ...] = ()


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
    """A folder, or several of a card that belong together.

    Attributes:
        path: of the first one.
        homes: of each, by its path.
        files: by name.
        shots: the photos that could be read, if any was looked at.
        unreadable: those that could not.
    """

    path: Path
    homes: dict[Path, Home]
    files: tuple[Path, ...]
    shots: tuple[Shot, ...] = ()
    unreadable: tuple[LeftOut, ...] = ()


def group_folder(folder: Folder, prefer: Prefer, frames: int | None, pictures: Pictures) -> Grouping:
    """The brackets of one folder."""
    if all(file.suffix.lower() == RADIANCE_SUFFIX for file in folder.files):
        return _radiance_maps(folder)
    shots, copies = without_copies(folder.shots)
    if not frames:
        look_at_doubles(shots, pictures)
    found, others = find_sets(shots, prefer, frames, pictures)
    # What is damaged shows only when it is looked at; without it, the others may be a bracket.
    while not frames and (damaged := _newly_damaged(found, shots, pictures)):
        folder = replace(folder, unreadable=(*folder.unreadable, *(one for one in damaged if one.cause != "copy")))
        copies += [one for one in damaged if one.cause == "copy"]
        shots = [shot for shot in shots if not pictures.damage(shot.file)]
        found, others = find_sets(shots, prefer, frames, pictures)
    if not found and not frames and (developed := _developed(folder, prefer, pictures)):
        (found, others), copies = developed, []
    damage = told_apart(folder.unreadable, shots, found)
    left_out = (*damage.frames, *damage.strays, *damage.copies, *copies, *others)
    names = scene_names(folder.homes, found, others)
    groups = (_group(folder, one, scene_id(parts), found, damage) for one, parts in zip(found, names, strict=True))
    return Grouping(tuple(groups), left_out, tuple(_refused(folder, found, left_out)))


def _newly_damaged(found: Sequence[Found], shots: Sequence[Shot], pictures: Pictures) -> list[LeftOut]:
    look_at_twins(found, shots, pictures)
    return undecodable(shots, pictures)


def _refused(folder: Folder, found: Sequence[Found], left_out: Sequence[LeftOut]) -> Iterator[Refused]:
    """Each folder without a frame of any bracket."""
    used = {shot.file.parent for one in found for shot in one.shots}
    for path, home in folder.homes.items():
        if path not in used:
            yield Refused(scene_id(home.alone), no_bracket([one for one in left_out if one.file.parent == path]))


def _developed(folder: Folder, prefer: Prefer, pictures: Pictures) -> Result | None:
    """Edited versions of one photo that fill a folder, where they are a bracket: one RAW, developed several times."""
    whole = [shot for shot in folder.shots if not pictures.damage(shot.file)]
    shots, copies = without_copies(whole, versions=False)
    if copies or not 2 <= len(shots) <= MOST_ALIKE:
        return None
    found, others = find_sets(shots, prefer, None, pictures)
    return (found, others) if len(found) == 1 and all(one.cause == "twin" for one in others) else None


def _radiance_maps(folder: Folder) -> Grouping:
    """Each map as a scene of its own; one that is no file to be read is refused by its name."""
    groups, left_out, refused = [], [], []
    for file in folder.files:
        scene = scene_id((*folder.homes[file.parent].below, file.stem))
        try:
            check_file(file)
        except PhotoError as error:
            left_out.append(LeftOut(file, "unreadable", str(error)))
            refused.append(Refused(scene, str(error)))
        else:
            groups.append(Group(BracketFiles(scene, (file,)), "radiance", "a radiance map", (), (None,)))
    return Grouping(tuple(groups), tuple(left_out), tuple(refused))


def _group(folder: Folder, found: Found, scene: str, sets: Sequence[Found], damage: Damage) -> Group:
    missing, strays = (
        tuple(one for one in ones if belongs(one, found, sets)) for ones in (damage.frames, damage.strays)
    )
    warnings = (
        *found.warnings,
        *skipped(found.shots, folder.files),
        *turned(found.shots),
        *(f"{one.file.name} may belong to it but cannot be read" for one in missing),
        *doubts(strays, found),
    )
    files, evs = zip(*((shot.file, shot.ev) for shot in found.shots), strict=True)
    return Group(BracketFiles(scene, files), found.evidence, found.why, warnings, evs, missing, strays)
