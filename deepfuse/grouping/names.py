"""What the brackets of a folder are called: by the folder, or by their first files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deepfuse.grouping.evidence import Found
from deepfuse.grouping.shots import LeftOut, in_order, natural


@dataclass(frozen=True)
class Home:
    """How scenes of a folder are named: one that is all its photos, and the beginning of the name of any other."""

    alone: tuple[str, ...]
    below: tuple[str, ...]


def scene_names(homes: Mapping[Path, Home], found: Sequence[Found], others: Sequence[LeftOut]) -> list[tuple[str, ...]]:
    """The parts of each bracket's name: its folder's where that holds nothing else, else with its first file's stem.

    Args:
        homes: the folders that the brackets lie in.
        found: the brackets.
        others: the photos in none.
    """
    firsts = [_first(one) for one in found]
    stems = Counter((file.parent, file.stem) for file in firsts)
    held = Counter(parent for one in found for parent in {shot.file.parent for shot in one.shots})
    mixed = {one.file.parent for one in others if one.cause != "twin"}
    names = []
    for file in firsts:
        home = homes[file.parent]
        if held[file.parent] == 1 and file.parent not in mixed:
            names.append(home.alone)
        else:
            names.append((*home.below, file.stem if stems[file.parent, file.stem] == 1 else file.name))
    return names


def _first(found: Found) -> Path:
    """The file shot first; by its name where the shots lie in order of brightness."""
    if found.evidence == "similarity":
        return min((shot.file for shot in found.shots), key=lambda file: natural(str(file)))
    return in_order(found.shots)[0].file
