"""A set: what arrived together, a folder of photos or one radiance map (`.hdr`); its files, content and whole move."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

import psutil

from deepfuse.bracket import PHOTO_SUFFIXES, RADIANCE_SUFFIX, printable
from deepfuse.files import file_digest

REASON = "reason.json"
# Names of copies on their way; those that start with a dot are rsync's.
_PARTIAL = re.compile(r"\.(part|partial|filepart|tmp|crdownload)$|^\..+\.\w{6}$|^\.(~tmp~|rsync-partial)$")


def find_sets(folder: Path) -> list[Path]:
    """The sets directly below a folder, by name; hidden entries are none."""
    if not folder.is_dir():
        return []
    entries = sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    return [entry for entry in entries if is_set(entry)]


def is_set(entry: Path) -> bool:
    """Whether this is a set of its own."""
    return entry.is_dir() or entry.suffix.lower() == RADIANCE_SUFFIX


def loose_photos(folder: Path) -> list[Path]:
    """The photos directly below a folder, which no folder marks as a set."""
    entries = sorted(folder.iterdir()) if folder.is_dir() else []
    return [e for e in entries if e.is_file() and e.suffix.lower() in PHOTO_SUFFIXES and not e.name.startswith(".")]


def files_of(entry: Path) -> list[Path]:
    """The visible files of a set; the record of an earlier refusal is none of it."""
    paths = [entry] if entry.is_file() else sorted(entry.rglob("*"))
    inside = [path for path in paths if path.is_file() and path != entry / REASON]
    return [path for path in inside if not any(p.startswith(".") for p in path.relative_to(entry.parent).parts)]


def is_partial(entry: Path) -> bool:
    """Whether a file that is still being copied lies in the set, by its temporary name."""
    paths = entry.rglob("*") if entry.is_dir() else (entry,)
    return any(_PARTIAL.search(path.name) for path in paths)


def snapshot(entries: Iterable[Path]) -> dict[Path, tuple[int, int]]:
    """Size and time of change of every file; two that are equal, some time apart, were not written to in between."""
    found = {}
    for entry in entries:
        for path in entry.rglob("*") if entry.is_dir() else (entry,):
            try:
                status = path.stat()
            except FileNotFoundError:
                continue
            found[path] = (status.st_size, status.st_mtime_ns)
    return found


def fingerprint(*entries: Path, known: Mapping[Path, str] | None = None) -> str:
    """What identifies a set: the content of its files, in any order and under any name.

    Args:
        entries: the set, or the files of one to be.
        known: MD5 of files that need not be read again.
    """
    files = [path for entry in entries for path in files_of(entry)]
    hashes = sorted((known or {}).get(path) or file_md5(path) for path in files)
    return hashlib.sha256(" ".join(hashes).encode()).hexdigest()


def file_md5(path: Path) -> str:
    """The MD5 of a file's content, as DVC records it."""
    return file_digest(path, "md5")


def free_name(folder: Path, entry: Path, content: str) -> Path:
    """Where a set of this content goes below `folder`: under its own name, or with its hash where that is taken."""
    taken = {other.name if other.is_dir() else other.stem for other in find_sets(folder)}
    target = folder / entry.name
    return with_hash(target, content) if (target.name if entry.is_dir() else target.stem) in taken else target


def with_hash(path: Path, content: str) -> Path:
    """The path with the start of its content's hash in its name."""
    if path.suffix.lower() == RADIANCE_SUFFIX:
        return path.with_name(f"{path.stem}-{content[:8]}{path.suffix}")
    return path.with_name(f"{path.name}-{content[:8]}")


def move(entry: Path, target: Path) -> None:
    """Move a set whole: at every moment it is complete under one name or the other, or under both."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        entry.rename(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        copy([entry], target)
        remove(entry)


def copy(entries: list[Path], target: Path) -> None:
    """Copy one set, or files as a new set, under a hidden name that becomes `target` when all is on the disk."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{printable(target.name)[:60]}.{os.getpid()}.copy")
    remove(temporary)
    if len(entries) == 1 and entries[0].is_dir():
        shutil.copytree(entries[0], temporary)
    elif target.suffix.lower() == RADIANCE_SUFFIX:
        shutil.copy2(entries[0], temporary)
    else:
        temporary.mkdir()
        for entry in entries:
            shutil.copy2(entry, temporary / entry.name)
    for path in (temporary, *temporary.rglob("*")) if temporary.is_dir() else (temporary,):
        _flush(path)
    temporary.rename(target)
    _flush(target.parent)


def remove(entry: Path) -> None:
    """Delete a set, if it is there; at no moment does a part of it look like a set."""
    if not entry.is_dir() or entry.is_symlink():
        entry.unlink(missing_ok=True)
        return
    gone = entry.with_name(f".{printable(entry.name)[:60]}.{os.getpid()}.gone")
    shutil.rmtree(gone, ignore_errors=True)
    entry.rename(gone)
    shutil.rmtree(gone)


def tidy(folder: Path) -> None:
    """Delete what a killed process left of a copy or of a deletion; the set itself is whole elsewhere."""
    for leftover in (*folder.glob(".*.copy"), *folder.glob(".*.gone")):
        pid = re.search(r"\.(\d{1,9})\.\w+$", leftover.name)
        if pid and not psutil.pid_exists(int(pid[1])):
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
