"""Sets move whole: at every moment a set is complete under one name or the other, and nothing is written over."""

from __future__ import annotations

import errno
import math
import os
import shutil
from pathlib import Path

from deepfuse.errors import BracketError
from deepfuse.files import beside
from flows.sets import check_files, is_folder, is_set, open_file, state_of


def move(entry: Path, target: Path) -> None:
    """Move a set, by a copy where that is on another file system.

    Raises:
        BracketError: it would have to be copied, and holds what is no file, or changed meanwhile.
        OSError: it cannot be moved, or `target` is there already.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    _require_free(target)
    try:
        entry.rename(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        copy([entry], target)
        remove(entry)


def copy(entries: list[Path], target: Path) -> None:
    """Copy one set, or files as a new set, under a hidden name that becomes `target` when all is on the disk.

    Raises:
        BracketError: something in it is no file, or changed meanwhile; nothing has been copied then.
        OSError: it cannot be read or written, or `target` is there already.
    """
    before = state_of(*entries)
    for entry in entries:
        check_files(entry, most_bytes=math.inf)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = beside(target)
    _delete(temporary)
    try:
        _copy(entries, temporary)
        for path in (temporary, *temporary.rglob("*")):
            _flush(path)
        if state_of(*entries) != before:
            raise BracketError(f"{entries[0]}: changed while it was copied")
        _require_free(target)
        temporary.rename(target)
    finally:
        _delete(temporary)
    _flush(target.parent)


def remove(entry: Path) -> None:
    """Delete a set, if it is there; at no moment does a part of it look like a set."""
    if os.path.lexists(entry):
        gone = beside(entry)
        _delete(gone)
        entry.rename(gone)
        _delete(gone)


def _copy(entries: list[Path], target: Path) -> None:
    if is_folder(entries[0]):
        _copy_folder(entries[0], target)
    elif is_set(entries[0]):
        _copy_file(entries[0], target)
    else:
        target.mkdir()
        for entry in entries:
            _copy_file(entry, target / entry.name)


def _copy_folder(folder: Path, target: Path) -> None:
    """By descriptors: a folder that is replaced by a link meanwhile leads nowhere."""
    for parent, _, names, descriptor in os.fwalk(folder, onerror=_fail):
        below = target / Path(parent).relative_to(folder)
        below.mkdir()
        for name in names:
            _copy_file(name, below / name, descriptor)


def _copy_file(path: Path | str, target: Path, folder: int | None = None) -> None:
    """Content and times; the rights are those of every new file here."""
    with open_file(path, folder) as source, target.open("xb") as new:
        shutil.copyfileobj(source, new, 1 << 20)
        new.flush()
        found = os.fstat(source.fileno())
        os.utime(new.fileno(), ns=(found.st_atime_ns, found.st_mtime_ns))


def _fail(error: OSError) -> None:
    raise error


def _require_free(target: Path) -> None:
    if os.path.lexists(target):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))


def _delete(path: Path) -> None:
    if is_folder(path):
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
