"""A set: what arrived together, a folder of photos or one radiance map (`.hdr`); its files and their content.

Of a set only regular files are taken. What is somebody else's to make is looked at by name and kind first, no link is
followed, and nothing is opened that is no file.
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path

from deepfuse.bracket import PHOTO_SUFFIXES, RADIANCE_SUFFIX
from deepfuse.errors import BracketError
from deepfuse.files import kind_of_file

Contents = Mapping[Path, os.stat_result]
State = Mapping[Path, tuple[int, ...]]

REASON = "reason.json"
# Names of copies on their way; those that start with a dot are rsync's.
_PARTIAL = re.compile(r"\.(part|partial|filepart|tmp|crdownload)$|^\..+\.\w{6}$|^\.(~tmp~|rsync-partial)$")
# What DVC would read as its own, or leave out: the last four by the project's .dvcignore.
_DVC = re.compile(r"\.(git|hg|dvcignore)|dvc\.yaml|.*\.dvc|__pycache__|\.venv|\.deepfuse|mlruns")


def find_sets(folder: Path) -> list[Path]:
    """The sets directly below a folder, by name; hidden entries are none."""
    if not folder.is_dir():
        return []
    with os.scandir(folder) as found:
        entries = sorted((entry for entry in found if not entry.name.startswith(".")), key=lambda entry: entry.name)
    return [Path(entry) for entry in entries if entry.is_dir(follow_symlinks=False) or is_set(Path(entry))]


def is_set(entry: Path) -> bool:
    """Whether this is a set of its own; a link stands for one, to be refused by its name."""
    mode = _mode(entry)
    return stat.S_ISDIR(mode) or stat.S_ISLNK(mode) or (mode != 0 and entry.suffix.lower() == RADIANCE_SUFFIX)


def loose_photos(folder: Path) -> list[Path]:
    """The photos directly below a folder, which no folder marks as a set."""
    entries = sorted(folder.iterdir()) if folder.is_dir() else []
    photos = [e for e in entries if e.suffix.lower() in PHOTO_SUFFIXES and not e.name.startswith(".")]
    return [photo for photo in photos if stat.S_ISREG(_mode(photo))]


def is_folder(entry: Path) -> bool:
    """Whether this is a folder itself, not a link to one."""
    return stat.S_ISDIR(_mode(entry))


def _mode(entry: Path) -> int:
    """Kind and rights of what lies there, 0 for nothing."""
    try:
        return entry.lstat().st_mode
    except FileNotFoundError:
        return 0


def contents(entry: Path) -> Contents:
    """All that lies in a set, hidden or not, and the set itself, as it is: what links point to is not looked at.

    Raises:
        OSError: a part of it cannot be looked at.
    """
    found = {entry: entry.lstat()}
    folders = [entry] if stat.S_ISDIR(found[entry].st_mode) else []
    while folders:
        with os.scandir(folders.pop()) as items:
            for item in items:
                path = Path(item.path)
                found[path] = item.stat(follow_symlinks=False)
                if stat.S_ISDIR(found[path].st_mode):
                    folders.append(path)
    return found


def state_of(*entries: Path) -> State:
    """Kind, number, size and times of change of all that lies in sets; equal later, it was not written to meanwhile.

    The time of the last change of the file's record tells too, since a copy sets that of its content as it likes.

    Raises:
        OSError: a part of them cannot be looked at.
    """
    return {
        path: (found.st_mode, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
        for entry in entries
        for path, found in contents(entry).items()
    }


def check_files(entry: Path, *, most_bytes: float) -> None:
    """Refuse a set by what its files are, before any of them is opened.

    Args:
        entry: the set, or a file of one to be.
        most_bytes: the largest file that is taken.

    Raises:
        BracketError: something in it is no file, too large, or has a name that is no UTF-8 or means something to DVC.
        OSError: a part of it cannot be looked at.
    """
    for path, found in sorted(contents(entry).items()):
        _check_kind(path, found)
        if stat.S_ISREG(found.st_mode) and found.st_size > most_bytes:
            raise BracketError(f"{path}: expected at most {most_bytes / 1e9:g} GB, got {found.st_size / 1e9:.1f} GB")
        if _DVC.fullmatch(path.name):
            raise BracketError(f"{path}: expected photos, got a name that DVC reads as its own or leaves out")
        try:
            path.name.encode()
        except UnicodeEncodeError:
            raise BracketError(f"{path}: expected names in UTF-8, got other bytes") from None


def check_kinds(folder: Path) -> None:
    """Refuse a folder with something in it that is no file, which DVC would wait for or follow.

    Raises:
        BracketError: what it is.
        OSError: a part of it cannot be looked at.
    """
    if not _all_of_kind(folder):
        for path, found in sorted(contents(folder).items()):
            if path != folder:
                _check_kind(path, found)


def _all_of_kind(folder: Path) -> bool:
    """Whether all below a folder is a file or a folder, as the lists of its folders say, without a look at each."""
    folders = [str(folder)]
    for one in folders:  # which grows
        with os.scandir(one) as items:
            for item in items:
                if item.is_dir(follow_symlinks=False):
                    folders.append(item.path)
                elif not item.is_file(follow_symlinks=False):
                    return False
    return True


def _check_kind(path: Path, found: os.stat_result) -> None:
    if not (stat.S_ISDIR(found.st_mode) or stat.S_ISREG(found.st_mode)):
        raise BracketError(f"{path}: expected a file, got {kind_of_file(found.st_mode)}")


def files_of(entry: Path) -> list[Path]:
    """The visible files of a set; the record of an earlier refusal is none of it."""
    inside = [path for path, found in contents(entry).items() if stat.S_ISREG(found.st_mode) and path != entry / REASON]
    above = len(str(entry)) - len(entry.name)
    return sorted(path for path in inside if f"{os.sep}." not in f"{os.sep}{path}"[above:])


def is_partial(path: Path) -> bool:
    """Whether a file is still being copied, by its temporary name."""
    return bool(_PARTIAL.search(path.name))


def fingerprint(*entries: Path, known: Mapping[Path, str] | None = None) -> str:
    """What identifies a set: the content of its files, in any order and under any name.

    Args:
        entries: the set, or the files of one to be.
        known: MD5 of files that need not be read again.
    """
    files = [path for entry in entries for path in files_of(entry)]
    known = known or {}
    hashes = sorted(known.get(path) or file_md5(path) for path in files)
    return hashlib.sha256(" ".join(hashes).encode()).hexdigest()


def digest(state: State) -> str:
    """What identifies a set as it lies there, where its content is not to be read."""
    return hashlib.sha256(repr(sorted(state.items())).encode()).hexdigest()


def file_md5(path: Path) -> str:
    """The MD5 of a file's content, as DVC records it."""
    with open_file(path) as file:
        return hashlib.file_digest(file, "md5").hexdigest()


def open_file(path: Path | str, folder: int | None = None) -> io.BufferedReader:
    """Open a regular file to read it: never what a link points to, and without waiting for the writer of a pipe.

    Args:
        path: the file.
        folder: the descriptor of the folder that `path` is relative to.

    Raises:
        OSError: it cannot be opened, or is no file by now.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "is no file", str(path))
    return os.fdopen(descriptor, "rb")
