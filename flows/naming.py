"""Names for sets: free ones, whose scenes get ids of their own."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Collection, Iterator
from pathlib import Path

from deepfuse.bracket import PHOTO_SUFFIXES, RADIANCE_SUFFIX
from flows.sets import find_sets, is_folder

_LONGEST_BYTES = 200  # of a name of 255 that gets a hash or an ending


def free_name(folder: Path, entry: Path, content: str, reserved: Collection[str] = ()) -> Path:
    """Where a set of this content goes below `folder`: under its own name, or with its hash where that is taken.

    Taken is a name too if two scenes could have one id by it: those of `paris/tower` and of `paris__tower`.
    """
    others = {_scene(other) for other in find_sets(folder)} | set(reserved)
    names = (name for name in names_for(folder / entry.name, content) if not os.path.lexists(name))
    suffix = "" if is_folder(entry) else entry.suffix
    return next(name for name in names if not any(_clash(name.name.removesuffix(suffix), other) for other in others))


def names_for(path: Path, content: str) -> Iterator[Path]:
    """Names for a set, the wanted one first: itself, with its hash, with its hash and a number."""
    hashed = with_hash(path, content)
    yield path
    yield hashed
    for number in itertools.count(2):
        yield hashed.with_name(f"{hashed.stem}-{number}{hashed.suffix}")


def with_hash(path: Path, content: str) -> Path:
    """The path with the start of its content's hash in its name; what is a file by its name keeps its suffix."""
    is_file = path.suffix.lower() in PHOTO_SUFFIXES | {RADIANCE_SUFFIX}
    stem, suffix = (path.stem, path.suffix) if is_file else (path.name, "")
    return path.with_name(f"{short(re.sub('__+', '_', stem))}-{content[:8]}{suffix}")


def short(name: str) -> str:
    """A name that leaves room for an ending."""
    return name.encode("utf-8", "surrogateescape")[:_LONGEST_BYTES].decode("utf-8", "ignore")


def _scene(entry: Path) -> str:
    """What a scene's id begins with."""
    return entry.name if is_folder(entry) else entry.stem


def _clash(one: str, other: str) -> bool:
    """Whether parts of a path joined by two underscores can be equal, one path beginning with each name."""
    shorter, longer = sorted((one, other), key=len)
    more = longer.removeprefix(shorter)
    return longer.startswith(shorter) and (more in ("", "_") or more.startswith("__"))
