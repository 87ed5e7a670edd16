"""Which brackets are as DVC recorded them: those that were confirmed and did not change since are not looked at again.

A few others are read. DVC is asked of many: it knows what it has read, but walks all of its lists for each question.
"""

from __future__ import annotations

import stat
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

from deepfuse.incremental import CACHE
from deepfuse.notes import Notes, open_notes
from flows import dvc_cache, pipeline
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
        sets = [(_name(notes, files), files) for files in _sets(there)]
        unknown = [(name, files) for name, files in sets if notes.known(name) is None]
        photos = [path for _, files in unknown for path in files]
        modified = _modified() if len(photos) > FEW else {one for one in photos if file_md5(one) != there[one]}
        for name, files in unknown:
            if not modified & files.keys():
                notes.note(name, True)
    return [path for path in there if path in modified]


def _sets(recorded: Mapping[Path, str]) -> Iterable[Mapping[Path, str]]:
    """The recorded files of each set."""
    found: dict[str, dict[Path, str]] = defaultdict(dict)
    for path, md5 in recorded.items():
        found[set_of(path)][path] = md5
    return found.values()


def _name(notes: Notes, files: Mapping[Path, str]) -> str | None:
    """What it is noted under that files are as they were recorded."""
    return notes.name(" ".join(files.values()), list(files))


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
        if any(notes.known(_name(notes, files)) is None for files in _sets(recorded)):
            return {RAW}
    stored = dvc_cache.all_stored(recorded.values())
    if any(_size(content) != there[path] for path, content in zip(recorded, stored, strict=True)):
        return {RAW}
    return {RAW / set_of(path) for path in there.keys() - recorded.keys()}


def set_of(path: Path) -> str:
    """The name of the set in `data/raw` that a file belongs to."""
    return path.parts[len(RAW.parts)]


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None
