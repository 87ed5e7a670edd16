"""What was found out about photos, kept in the user's cache folder, so that the commands look at none of them twice."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deepfuse.notes import Recall

VARIABLE = "DEEPFUSE_CACHE"
BOOK = "looks.sqlite"
READERS = "imagecodecs numpy opencv-python-headless pi-heif pillow rawpy tifffile".split()
PACKAGE = Path(__file__).parents[1]


@contextmanager
def noted_looks() -> Iterator[Recall]:
    """Answers what was asked of photos before, by this code and these libraries.

    Where the folder cannot be written, or another command writes into the book, nothing new is noted.
    """
    from deepfuse.notes import ask, open_notes

    folder = cache_folder()
    if folder is None:
        yield ask
        return
    with open_notes(folder / BOOK, _asker(), wait_s=0) as notes:
        yield notes.recall


def cache_folder() -> Path | None:
    """The folder that `DEEPFUSE_CACHE` names, `None` where that is empty; without it, the system's for this user."""
    named = os.environ.get(VARIABLE)
    if named is not None:
        return Path(named) if named else None
    from platformdirs import user_cache_path

    return user_cache_path("deepfuse", appauthor=False)


def _asker() -> list[Any]:
    """What the answers depend on but the photos; of the code what tells that it changed, which reads none of it."""
    from deepfuse.photo import DEFAULT_LIMITS

    files = [(path, path.stat()) for path in sorted(PACKAGE.rglob("*.py"))]
    code = [[path.relative_to(PACKAGE).as_posix(), found.st_size, found.st_mtime_ns] for path, found in files]
    return [code, [_version(name) for name in READERS], sys.version, asdict(DEFAULT_LIMITS)]


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:  # another build of it
        return ""
