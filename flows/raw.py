"""What `data/raw.dvc` records stays: what the disk lacks or has otherwise is put back, and no run records less.

DVC drops a whole folder from the disk if its cache lacks one of the files that it is to check out. So it checks out
nothing here: each file comes from the cache alone, if that has it whole, else from the remote by way of the cache.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from deepfuse.bracket import printable
from deepfuse.errors import BracketError
from deepfuse.files import file_digest, replacing, write_text
from deepfuse.registry.dvc_contents import folder_list
from flows import dvc_cache, pipeline, unchanged
from flows.inbox import RAW
from flows.logs import log
from flows.moving import move
from flows.naming import free_name, with_hash
from flows.pipeline import RAW_DVC
from flows.quarantine import QUARANTINE
from flows.remote_trouble import naming_remote
from flows.sets import check_kinds, file_md5, find_sets

CHANGED = QUARANTINE / "changed"
REMOVED = QUARANTINE / "removed"
_MOST_TARGETS = 100  # of one command of DVC; more are the folder that they are in
_NAMED = 5  # files in a message


def recorded_md5() -> dict[Path, str]:
    """The MD5 of the files in `data/raw`, as DVC recorded them; empty where it recorded none.

    Raises:
        BracketError: the list of them is nowhere.
    """
    if not RAW_DVC.exists():
        return {}
    content = pipeline.raw_md5()
    listing = dvc_cache.stored(content)
    if not _is_whole(listing, content):
        _fetch([RAW_DVC])
    if not _is_whole(listing, content):
        _list_anew(listing, content)
    return dvc_cache.listed(RAW, content)


def restore(but: Collection[str] = ()) -> None:
    """Put back the files that DVC recorded and the disk lacks or has otherwise: brackets as shot do not change.

    The other content is kept beside the quarantine.

    Args:
        but: sets that need not be whole.

    Raises:
        BracketError: neither DVC's cache nor the remote has one of them as it was; what can be put back has been.
    """
    recorded = {path: md5 for path, md5 in recorded_md5().items() if unchanged.set_of(path) not in but}
    wrong = [*_missing(recorded), *unchanged.changed(recorded)]
    if not wrong:
        return
    stored = _find_whole({path: recorded[path] for path in wrong})
    for path, content in stored.items():
        _put_back(path, content)
    if lost := [path for path in wrong if path not in stored]:
        raise _loss(lost, "as they were recorded", "neither DVC's cache nor a remote has them whole")


def record(without: Collection[str] = ()) -> None:
    """Let DVC track what lies in `data/raw`, unless that is less than it has recorded.

    Args:
        without: sets that may be missing.

    Raises:
        BracketError: something else is missing too; nothing was recorded.
    """
    recorded = recorded_md5()
    if gone := [path for path in _missing(recorded) if unchanged.set_of(path) not in without]:
        raise _loss(
            gone, "that were recorded", "they are missing; the next run looks for them in DVC's cache and remote"
        )
    if new := unchanged.unrecorded(recorded):
        pipeline.dvc("add", *(map(str, sorted(new)) if len(new) < _MOST_TARGETS else [str(RAW)]), show=False)


def remove(names: Collection[str]) -> list[Path]:
    """Take sets out of `data/raw` and of what DVC records; a set that is on the disk is moved aside.

    Returns:
        Where the sets that were on the disk lie now.

    Raises:
        BracketError: there is no such set, another one is missing, or what lies there is no file; nothing was moved.
    """
    there = {entry.name for entry in find_sets(RAW)}
    known = there | {unchanged.set_of(path) for path in recorded_md5()}
    if unknown := sorted(set(names) - known):
        raise BracketError(f"{RAW}: expected a set of that name, got none: {printable(', '.join(unknown))}")
    if RAW.is_dir():
        check_kinds(RAW)
    restore(but=names)
    moved = [_move_out(RAW / name) for name in sorted(there & set(names))]
    RAW.mkdir(parents=True, exist_ok=True)
    record(without=names)
    return moved


def _move_out(entry: Path) -> Path:
    target = free_name(REMOVED, entry, pipeline.raw_md5() or entry.name)
    move(entry, target)
    return target


def _missing(recorded: Iterable[Path]) -> list[Path]:
    return [path for path in recorded if not path.is_file()]


def _find_whole(wanted: Mapping[Path, str]) -> dict[Path, Path]:
    """The files whose content DVC's cache has, fetched where it had it not; with where it lies."""
    stored = {path: dvc_cache.stored(md5) for path, md5 in wanted.items()}
    absent = [path for path, content in stored.items() if not _is_whole(content, wanted[path])]
    if absent:
        _fetch(absent if len(absent) <= _MOST_TARGETS else [RAW_DVC])
    lost = [path for path in absent if not _is_whole(stored[path], wanted[path])]
    return {path: content for path, content in stored.items() if path not in lost}


def _fetch(targets: Iterable[Path]) -> None:
    """Fetch from the remote into the cache; what it has not is seen by looking for it in the cache."""
    if not pipeline.has_remote():
        return
    try:
        with naming_remote():
            pipeline.dvc("fetch", *map(str, targets))
    except RuntimeError as error:
        log("not all can be fetched from DVC's remote: %s", printable(str(error)))


def _put_back(path: Path, stored: Path) -> None:
    """By a link to the cache's file where that can be, as `cache.type` says; no other file is touched."""
    aside = "nowhere: it was missing"
    if os.path.lexists(path):
        aside = f"kept as {_keep_aside(path)}"
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        try:
            os.link(stored, temporary)
        except OSError:
            shutil.copyfile(stored, temporary)
    log("%s is restored as it was taken in; the other content is %s", printable(str(path)), printable(aside))


def _keep_aside(path: Path) -> Path:
    aside = CHANGED / path.relative_to(RAW)
    md5 = file_md5(path)
    if aside.exists() and file_md5(aside) != md5:
        aside = with_hash(aside, md5)
    aside.parent.mkdir(parents=True, exist_ok=True)
    path.replace(aside)
    return aside


def _list_anew(listing: Path, content: str) -> None:
    """Write the list of files, if the disk has the very files of which it was.

    Raises:
        BracketError: it has others.
    """
    listing.parent.mkdir(parents=True, exist_ok=True)
    write_text(listing, folder_list(RAW))
    listing.chmod(0o444)
    if not _is_whole(listing, content):
        raise BracketError(
            f"{RAW_DVC}: expected the list of what it records in DVC's cache or remote, got none, and {RAW} has other "
            f"files than were recorded; put them back, or record what is there: dvc add {RAW}"
        )


def _is_whole(stored: Path, md5: str) -> bool:
    """Whether the cache has this content; a damaged copy is dropped from it."""
    if not stored.exists():
        return False
    if file_digest(stored, "md5") == md5.removesuffix(".dir"):
        return True
    log("%s is damaged: dropped from DVC's cache", stored)
    stored.unlink()
    return False


def _loss(paths: list[Path], wanted: str, why: str) -> BracketError:
    names = ", ".join(printable(str(path)) for path in paths[:_NAMED]) + (", …" if len(paths) > _NAMED else "")
    sets = " ".join(sorted({printable(unchanged.set_of(path)) for path in paths}))
    return BracketError(
        f"{RAW}: expected the files {wanted}, got {len(paths)} otherwise ({names}): {why}. Put them back, or take "
        f"their sets out of what is recorded: python -m flows remove {sets}"
    )
