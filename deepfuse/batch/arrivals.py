"""Brackets that arrive in a folder: which photos are complete, and which sets no further photo will join."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from deepfuse.grouping import Group, Grouping
from deepfuse.grouping.shots import natural, walk
from deepfuse.settling import Settling

State = tuple[tuple[str, int, int, int, int], ...]
Find = Callable[[Callable[[Path], bool]], Grouping]
_XMP = ".xmp"


def states_below(source: Path) -> dict[Path, State]:
    """Each photo below a folder, with the size, number and times of it and of the XMP files of its name beside it.

    Raises:
        OSError: the folder is not there, or cannot be looked into.
    """
    with os.scandir(source):
        pass
    found: dict[Path, State] = {}
    for parent, files in walk(source):
        if files:
            found |= _states(parent, files)
    return found


def _states(parent: Path, files: Sequence[Path]) -> dict[Path, State]:
    named = {file.name for file in files}
    known: dict[str, list[tuple[str, int, int, int, int]]] = {}
    with os.scandir(parent) as entries:
        for entry in entries:
            is_photo = entry.name in named
            if is_photo or entry.name.lower().endswith(_XMP):
                try:
                    stat = entry.stat()
                except OSError:  # it went away meanwhile
                    continue
                state = (entry.name, stat.st_size, stat.st_ino, stat.st_mtime_ns, stat.st_ctime_ns)
                known.setdefault(entry.name if is_photo else entry.name[: -len(_XMP)], []).append(state)
    photos = [file for file in files if file.name in known]
    return {file: (*sorted(known[file.name]), *sorted(known.get(file.stem, ()))) for file in photos}


def is_closed(group: Group, groups: Sequence[Group], arriving: Collection[Path]) -> bool:
    """Whether no photo that is still being written will join a set.

    None is in its folder; or another set follows there, by name, and all that is being written comes after that.
    """
    folders = {file.parent for file in group.bracket.files}
    late = [natural(file.stem) for file in arriving if file.parent in folders]
    if not late:
        return True
    last = max(_stems(group))
    following = [_stems(one) for one in groups if one is not group and one.bracket.files[0].parent in folders]
    ends = [max(stems) for stems in following if min(stems) > last]
    return bool(ends) and min(late) > min(ends)


def _stems(group: Group) -> list[tuple[tuple[int, str], ...]]:
    return [natural(file.stem) for file in group.bracket.files]


class Arrivals:
    """The sets of a folder as they become complete.

    Args:
        source: the folder.
        find: the brackets of those of its photos that it is told to take.
        settle_s: how long a photo must not have changed.
    """

    def __init__(self, source: Path, find: Find, settle_s: float) -> None:
        self._source, self._find = source, find
        self._settling = Settling[Path](settle_s)
        self._known: dict[Path, State] | None = None
        self._states: dict[Path, State] = {}

    def look(self, now_s: float) -> Grouping | None:
        """All sets that are complete now, and the photos in none where nothing is being written; `None`: as before.

        Raises:
            OSError: the folder is not there.
            DeepfuseError: brackets cannot be found in it.
        """
        self._states = states_below(self._source)
        settled = {file: self._states[file] for file in self._settling.see(self._states, now_s)}
        if settled == self._known or not settled:
            return None
        self._known = settled
        found = self._find(settled.__contains__)
        arriving = self._states.keys() - settled.keys()
        groups = tuple(group for group in found.groups if is_closed(group, found.groups, arriving))
        return Grouping(groups, () if arriving else found.left_out, found.refused)

    def again(self) -> None:
        """Take the next look for the first one."""
        self._known = None

    def state_of(self, files: Sequence[Path]) -> tuple[State | None, ...]:
        """What files looked like at the last look; `None` where they were not there."""
        return tuple(map(self._states.get, files))
