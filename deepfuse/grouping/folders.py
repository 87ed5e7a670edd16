"""One folder's files → its brackets with their ids, the photos in none, or why it holds no bracket."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from deepfuse.bracket import RADIANCE_SUFFIX, BracketFiles, scene_id
from deepfuse.errors import PhotoError
from deepfuse.grouping.copies import without_copies
from deepfuse.grouping.evidence import Evidence, Found, Pictures
from deepfuse.grouping.formats import Prefer, find_sets
from deepfuse.grouping.reasons import no_bracket, turned
from deepfuse.grouping.sequences import Result
from deepfuse.grouping.shots import LeftOut, Shot, natural
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
        return _radiance_maps(folder)
    shots, copies = without_copies(folder.shots)
    found, others = find_sets(shots, prefer, frames, pictures)
    # What is damaged shows only when it is looked at; without it, the others may be a bracket.
    while not frames and (damaged := _damaged(shots, pictures)):
        folder = replace(folder, unreadable=(*folder.unreadable, *(one for one in damaged if one.cause != "copy")))
        copies += [one for one in damaged if one.cause == "copy"]
        shots = [shot for shot in shots if not pictures.damage(shot.file)]
        found, others = find_sets(shots, prefer, frames, pictures)
    if not found and not frames and (developed := _developed(folder, prefer, pictures)):
        (found, others), copies = developed, []
    left_out = (*folder.unreadable, *copies, *others)
    if not found:
        return Grouping((), left_out, (Refused(scene_id(folder.parts or (folder.name,)), no_bracket(left_out)),))
    alone = len(found) == 1 and all(one.cause == "twin" for one in others)
    names = [folder.parts or (folder.name,)] if alone else [(*folder.parts, name) for name in _names(found)]
    groups = (_group(folder, one, scene_id(parts), len(found)) for one, parts in zip(found, names, strict=True))
    return Grouping(tuple(groups), left_out, ())


def _developed(folder: Folder, prefer: Prefer, pictures: Pictures) -> Result | None:
    """Edited versions of one photo that fill a folder, where they are a bracket: one RAW, developed several times."""
    shots, copies = without_copies(folder.shots, versions=False)
    if copies or not 2 <= len(shots) <= MOST_ALIKE:
        return None
    found, others = find_sets(shots, prefer, None, pictures)
    return (found, others) if len(found) == 1 and all(one.cause == "twin" for one in others) else None


def _damaged(shots: Sequence[Shot], pictures: Pictures) -> list[LeftOut]:
    """What cannot be decoded; where a good photo was taken in the same instant alike, it is a copy of that."""
    good = {shot.capture: shot.file for shot in reversed(shots) if not pictures.damage(shot.file)}
    found = []
    for shot in shots:
        if why := pictures.damage(shot.file):
            whole = good.get(shot.capture) if shot.capture.taken_s is not None and shot.ev is not None else None
            copy = LeftOut(shot.file, "copy", f"a damaged copy of {whole.name}: {why}") if whole else None
            found.append(copy or LeftOut(shot.file, "unreadable", why))
    return found


def _radiance_maps(folder: Folder) -> Grouping:
    """Each map as a scene of its own; one that is no file to be read is refused by its name."""
    groups, left_out, refused = [], [], []
    for file in folder.files:
        scene = scene_id((*folder.parts, file.stem))
        try:
            check_file(file)
        except PhotoError as error:
            left_out.append(LeftOut(file, "unreadable", str(error)))
            refused.append(Refused(scene, str(error)))
        else:
            groups.append(Group(BracketFiles(scene, (file,)), "radiance", "a radiance map", (), (None,)))
    return Grouping(tuple(groups), tuple(left_out), tuple(refused))


def _names(found: Sequence[Found]) -> list[str]:
    """The stem of each bracket's first file, or its name where two brackets have one stem."""
    firsts = [_first(one) for one in found]
    stems = Counter(file.stem for file in firsts)
    return [file.stem if stems[file.stem] < 2 else file.name for file in firsts]


def _first(found: Found) -> Path:
    """The file shot first; by its name where the shots lie in order of brightness."""
    files = [shot.file for shot in found.shots]
    return min(files, key=lambda file: natural(file.name)) if found.evidence == "similarity" else files[0]


def _group(folder: Folder, found: Found, scene: str, brackets: int) -> Group:
    files = tuple(shot.file for shot in found.shots)
    names = sorted(natural(file.name) for file in files)
    missing = tuple(one for one in folder.unreadable if brackets == 1 or names[0] < natural(one.file.name) < names[-1])
    warnings = (
        *found.warnings,
        *turned(found.shots),
        *(f"{one.file.name} may belong to it but cannot be read" for one in missing),
    )
    evs = tuple(shot.ev for shot in found.shots)
    return Group(BracketFiles(scene, files), found.evidence, found.why, warnings, evs, missing)
