"""Whether sets are complete and can be brackets.

First by the names and kinds of their files. Then their photos are read, in other processes, which a damaged one may
crash or hang.
"""

from __future__ import annotations

import stat
from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from deepfuse.bracket import PHOTO_SUFFIXES, RADIANCE_SUFFIX, printable
from deepfuse.engine import each_scene
from deepfuse.errors import BracketError, DeepfuseError
from deepfuse.grouping import find_brackets
from deepfuse.params import IngestLimits
from deepfuse.photo import Limits, read_photo
from deepfuse.photo.isolated import Onlooker, ThisProcess
from deepfuse.simulation.camera import read_radiance
from deepfuse.workers import worker_count
from flows.sets import State, check_files, files_of, is_partial, state_of


@dataclass(frozen=True)
class Look:
    """A set as it lies in the inbox: why it waits, or what is wrong with it by the names and kinds of its files."""

    entry: Path
    state: State
    waits: str = ""
    fault: str = ""

    @property
    def file_count(self) -> int:
        """How many files lie in it."""
        return sum(stat.S_ISREG(mode) for mode, *_ in self.state.values())

    def is_unchanged(self) -> bool:
        """Whether the set still lies there as it did."""
        try:
            return state_of(self.entry) == self.state
        except OSError:
            return False


def look(entry: Path, *, most_bytes: float) -> Look:
    """Look at a set without opening any of its files."""
    try:
        state = state_of(entry)
        if any(map(is_partial, state)):
            return Look(entry, state, waits="is still being written")
        check_files(entry, most_bytes=most_bytes)
    except BracketError as error:
        return Look(entry, state, fault=str(error))
    except OSError as error:
        return Look(entry, {}, waits=f"cannot be looked at: {error.strerror}: {error.filename}")
    return Look(entry, state)


def look_again(one: Look) -> Look:
    """The same look if nothing changed since."""
    return one if one.waits or one.is_unchanged() else replace(one, waits="is still being written")


def reasons_against(sets: Mapping[Path, int], limits: IngestLimits) -> Generator[str | None]:
    """What is wrong with each set, if anything, in their order; the next are read while the caller takes one.

    Args:
        sets: how many files each has.
        limits: what a process may use.
    """
    if not sets:
        return
    yield from each_scene(
        list(sets),
        partial(reason_against, limits=Limits.of_data(limits.megapixels, limits.file_gb, limits.frames)),
        refuse=lambda entry, failure: printable(f"{entry}: {failure}"),
        jobs=worker_count(len(sets), limits.memory_gb * 1e9),
        memory_gb=limits.memory_gb,
        seconds=lambda entry: limits.seconds * max(1, sets[entry]),
    )


def reason_against(entry: Path, limits: Limits) -> str | None:
    """What is wrong with a set, if anything: whatever a reader makes of its files is a matter of this set alone."""
    try:
        check_set(entry, limits)
    except DeepfuseError as error:
        return printable(str(error))
    except MemoryError:
        raise
    except Exception as error:  # a reader that was not prepared for these files
        return printable(f"{entry}: cannot be read: {type(error).__name__}: {error}")
    return None


def check_set(entry: Path, limits: Limits) -> None:
    """Refuse a set that cannot be a bracket: every photo must decode. It may end this process.

    Raises:
        DeepfuseError: what is wrong with it.
    """
    files = files_of(entry)
    photos = [path for path in files if path.suffix.lower() in PHOTO_SUFFIXES]
    maps = [path for path in files if path.suffix.lower() == RADIANCE_SUFFIX]
    if len(photos) < 2 and (photos or not maps):
        raise BracketError(
            f"{entry}: expected 2 or more photos or a radiance map, got {len(photos)} of {len(files)} files"
        )
    looks = Onlooker(ThisProcess(), limits)
    if entry.is_dir() and not (found := find_brackets(entry, looks=looks, limits=limits)).groups:
        reasons = {*(one.why for one in found.refused), *(one.why for one in found.left_out)}
        raise BracketError(f"{entry}: expected a bracket, got none: {'; '.join(sorted(reasons))}")
    for photo in photos:
        read_photo(photo, limits=limits)
    for radiance in [] if photos else maps:
        read_radiance(radiance)
