"""The inbox: sets that arrived are checked and move to `data/raw`, or to `data/quarantine` with the reason.

The inbox holds complete sets: `python -m flows submit` and `watch` see to that. Who writes to it directly writes
under a hidden name, or one that ends in `.part`, and renames. A set that changes while it is looked at waits.
"""

from __future__ import annotations

import stat
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from deepfuse.bracket import printable
from deepfuse.errors import ParamsError
from deepfuse.files import remove_abandoned
from deepfuse.params import read_params
from flows import pipeline
from flows.checking import Look, look, look_again, reasons_against
from flows.logs import log
from flows.moving import copy, move, remove
from flows.naming import free_name
from flows.quarantine import QUARANTINE, has_same_content, is_record, note_duplicate, refuse
from flows.sets import (
    REASON,
    contents,
    files_of,
    find_sets,
    fingerprint,
    loose_photos,
)

INBOX = Path("data/inbox")
RAW = pipeline.RAW
SETTLED_S = 1.0
Status = Literal["accepted", "duplicate", "refused", "waiting"]


@dataclass(frozen=True)
class Arrival:
    """What became of one set: under which name it lies now, and why; printable, both."""

    name: str
    status: Status
    detail: str


def require_raw(source: str) -> None:
    """Refuse to take brackets in where the pipeline would not read them.

    Raises:
        ParamsError: `ingest.source` is another folder.
    """
    if Path(source) != RAW:
        raise ParamsError(f"params.yaml: ingest.source: expected {RAW}, where brackets from {INBOX} go, got {source}")


def take_arrivals(known: Mapping[Path, str]) -> list[Arrival]:
    """Move every complete set of the inbox to where it belongs; one that fails never stops the others.

    Args:
        known: the MD5 of files in `data/raw`, as DVC recorded them.
    """
    for folder in (INBOX, RAW, QUARANTINE):
        remove_abandoned(folder)
    loose = [
        _arrival(photo, "waiting", f"{photo}: expected a folder for each set, got a loose photo")
        for photo in loose_photos(INBOX)
    ]
    entries = find_sets(INBOX)
    if not entries:
        return loose
    limits = read_params().ingest.limits
    before = [look(entry, most_bytes=limits.file_gb * 1e9) for entry in entries]
    time.sleep(SETTLED_S)
    looks = [look_again(one) for one in before]
    sound = {one.entry: one.file_count for one in looks if not (one.waits or one.fault)}
    content = _content(known)
    with closing(reasons_against(sound, limits)) as reasons:
        return loose + [_take(one, next(reasons) if one.entry in sound else None, content) for one in looks]


def _content(known: Mapping[Path, str]) -> dict[str, Path]:
    """The sets in `data/raw` by their content."""
    found = {}
    for entry in find_sets(RAW):
        try:
            found[fingerprint(entry, known=known)] = entry
        except OSError as error:
            log("%s cannot be compared with what arrived: %s", entry, error)
    return found


def _take(one: Look, reason: str | None, content: dict[str, Path]) -> Arrival:
    entry = one.entry
    if one.waits:
        return _arrival(entry, "waiting", f"{entry}: {one.waits}")
    why = one.fault or reason
    try:
        if not one.is_unchanged():
            return _arrival(entry, "waiting", f"{entry}: changed while it was checked")
        return _arrival(refuse(one, why), "refused", why) if why else _accept(one, content)
    except Exception as error:  # whatever is odd about this set, the others go on
        return _arrival(entry, "waiting", f"{entry}: cannot be moved: {error}{f'; {why}' if why else ''}")


def _accept(one: Look, content: dict[str, Path]) -> Arrival:
    entry, key = one.entry, fingerprint(one.entry)
    same = content.get(key)
    is_known = same is not None and has_same_content(same, entry, key)  # what DVC recorded may have changed on the disk
    if not one.is_unchanged():
        return _arrival(entry, "waiting", f"{entry}: changed while it was checked")
    if same is not None and is_known:
        note_duplicate(entry, same)
        remove(entry)
        return _arrival(entry, "duplicate", f"the same photos as {same}")
    count = len(files_of(entry))
    if is_record(entry / REASON):
        (entry / REASON).unlink()
    target = free_name(RAW, entry, key)
    _into_raw(entry, target)
    content[key] = target
    return _arrival(target, "accepted", f"{count} files")


def _into_raw(entry: Path, target: Path) -> None:
    """By a copy where a file has another name elsewhere: DVC makes what it tracks read-only, and that is not ours."""
    if any(stat.S_ISREG(found.st_mode) and found.st_nlink > 1 for found in contents(entry).values()):
        copy([entry], target)
        remove(entry)
    else:
        move(entry, target)


def _arrival(entry: Path, status: Status, detail: str) -> Arrival:
    return Arrival(printable(entry.name), status, printable(detail))
