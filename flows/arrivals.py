"""Brackets that arrive: copied whole into the inbox."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from deepfuse.errors import BracketError
from flows.inbox import INBOX
from flows.moving import copy
from flows.naming import with_hash
from flows.sets import check_files, contents, fingerprint, is_partial, is_set


def submit(paths: Sequence[Path], *, most_bytes: float) -> list[Path]:
    """Copy sets into the inbox: each folder and each radiance map is one, and the photos named together are one.

    Args:
        paths: folders of photos, radiance maps and photos.
        most_bytes: the largest file that is taken.

    Returns:
        Where they lie in the inbox.

    Raises:
        BracketError: a path is not there, cannot be read, or holds what is no file, too large, or still being copied.
    """
    try:
        for path in paths:
            _check(path, most_bytes)
        photos = [path for path in paths if not is_set(path)]
        sets = [[path] for path in paths if is_set(path)]
        return [_submit(entries) for entries in (*sets, photos) if entries]
    except OSError as error:
        raise BracketError(f"{error.filename or paths[0]}: cannot be copied: {error.strerror}") from error


def _check(path: Path, most_bytes: float) -> None:
    if not os.path.lexists(path):
        raise BracketError(f"{path}: expected a photo, a radiance map or a folder of photos, got nothing")
    if path.is_symlink():
        raise BracketError(f"{path}: expected a file or a folder, got a link; name what it points to")
    _check_place(path)
    check_files(path, most_bytes=most_bytes)
    if any(map(is_partial, contents(path))):
        raise BracketError(f"{path}: expected complete files, got one that is still being copied")


def _check_place(path: Path) -> None:
    """Before anything in it is looked at: it may be all of the disk."""
    whole = path.resolve()
    if INBOX.resolve().is_relative_to(whole):
        raise BracketError(f"{path}: expected a set outside of {INBOX}, got the folder it lies in")
    if whole.name.startswith("."):
        raise BracketError(f"{path}: expected a visible name, got one that hides the set")


def _submit(entries: list[Path]) -> Path:
    """Copy one set; one of the same name and content that waits already is not copied again."""
    if twice := [name for name, count in Counter(path.name for path in entries).items() if count > 1]:
        raise BracketError(f"expected photos of different names in one set, got several of {', '.join(sorted(twice))}")
    first = entries[0].resolve()
    name = first.name if len(entries) == 1 and is_set(first) else first.stem
    content = fingerprint(*entries)
    for target in (INBOX / name, with_hash(INBOX / name, content)):
        if not os.path.lexists(target):
            copy(entries, target)
            return target
        if fingerprint(target) == content:
            return target
    raise BracketError(f"{target}: expected the content of {first}, got another")
