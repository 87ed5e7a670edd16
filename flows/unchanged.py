"""Which brackets are as DVC recorded them: those that were confirmed and did not change since are not looked at again.

A few others are read. DVC is asked of many: it knows what it has read, but walks all of its lists for each question.
"""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import Path

from deepfuse.incremental import CACHE
from deepfuse.notes import open_notes
from flows import pipeline
from flows.inbox import RAW
from flows.sets import contents, file_md5

BOOK = CACHE / "raw.sqlite"
_KEY = "as recorded"
FEW = 100  # files that are read in less time than DVC takes among ten thousand brackets


def changed(recorded: Mapping[Path, str]) -> list[Path]:
    """The files whose content is not what was recorded, by what was read of them, here or by DVC.

    Args:
        recorded: the MD5 of files in `data/raw`; those that are not there are passed over.
    """
    there = {path: md5 for path, md5 in recorded.items() if path.is_file()}
    with open_notes(BOOK, _KEY) as notes:
        names = {path: notes.name(md5, [path]) for path, md5 in there.items()}
        unknown = [path for path, name in names.items() if notes.known(name) is None]
        modified = _modified() if len(unknown) > FEW else {one for one in unknown if file_md5(one) != there[one]}
        for path in unknown:
            if path not in modified:
                notes.note(names[path], True)
    return [path for path in there if path in modified]


def _modified() -> set[Path]:
    if not RAW.is_dir():
        return set()
    status = pipeline.ask("data", "status", "--granular", str(RAW))
    return set(map(Path, status.get("uncommitted", {}).get("modified", [])))


def unrecorded(recorded: Mapping[Path, str]) -> set[Path]:
    """What DVC is to record: sets with a file that it did not, or all of `data/raw`.

    All that is where something recorded is gone, not known to be as it was, or not in DVC's cache in full size.

    Args:
        recorded: the MD5 of all files that DVC recorded.
    """
    there = {path: found.st_size for path, found in contents(RAW).items() if stat.S_ISREG(found.st_mode)}
    if not recorded or not recorded.keys() <= there.keys():
        return {RAW}
    with open_notes(BOOK, _KEY) as notes:
        if any(notes.known(notes.name(md5, [path])) is None for path, md5 in recorded.items()):
            return {RAW}
    if any(_size(pipeline.stored(md5)) != there[path] for path, md5 in recorded.items()):
        return {RAW}
    return {set_of(path) for path in there.keys() - recorded.keys()}


def set_of(path: Path) -> Path:
    """The set in `data/raw` that a file belongs to."""
    return RAW / path.relative_to(RAW).parts[0]


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None
