"""The quarantine: refused sets, each with its reason, and records of the sets that `data/raw` had already."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

from deepfuse.bracket import printable
from deepfuse.files import write_json
from flows.checking import Look
from flows.moving import move, remove
from flows.naming import free_name, short, with_hash
from flows.sets import REASON, digest, files_of, fingerprint, is_folder, is_set, open_file

QUARANTINE = Path("data/quarantine")
DUPLICATES = "duplicates"
OWN_FOLDERS = (DUPLICATES, "changed", "removed")  # beside the sets
_LONGEST_RECORD_BYTES = 1 << 20


def refuse(one: Look, reason: str) -> Path:
    """Move a set into quarantine, where it lies then.

    Its reason is in it, or beside it if it is no folder or has such a file of its own.
    """
    entry = one.entry
    key = _key(one)
    for earlier in (QUARANTINE / entry.name, with_hash(QUARANTINE / entry.name, key)):
        if is_set(earlier) and has_same_content(earlier, entry, key):
            remove(earlier)
    target = free_name(QUARANTINE, entry, key, reserved=OWN_FOLDERS)
    inside = is_folder(entry) and (is_record(entry / REASON) or not os.path.lexists(entry / REASON))
    record = entry / REASON if inside else QUARANTINE / f"{short(printable(target.name))}.{REASON}"
    record.parent.mkdir(parents=True, exist_ok=True)
    write_json(record, {"set": printable(entry.name), "reason": printable(reason), "at": _now()})
    move(entry, target)
    return target


def _key(one: Look) -> str:
    """By the content, but where something is no file, too large or not to be read: by how the set lies there."""
    try:
        return digest(one.state) if one.fault else fingerprint(one.entry)
    except OSError:
        return digest(one.state)


def note_duplicate(entry: Path, same: Path) -> None:
    """Keep a record of a set that `data/raw` has already."""
    record = QUARANTINE / DUPLICATES / f"{short(printable(entry.name))}.json"
    record.parent.mkdir(parents=True, exist_ok=True)
    write_json(record, {"set": printable(entry.name), "same_as": printable(str(same)), "at": _now()})


def has_same_content(other: Path, entry: Path, key: str) -> bool:
    """Whether a set's files are those of `entry`, whose fingerprint is `key`; one that cannot be read is another.

    Nothing is read where sizes differ already.
    """
    try:
        return _sizes(other) == _sizes(entry) and fingerprint(other) == key
    except OSError:
        return False


def _sizes(entry: Path) -> list[int]:
    return sorted(path.lstat().st_size for path in files_of(entry))


def is_record(path: Path) -> bool:
    """Whether this is the record of an earlier refusal, and no file of that name that came with a set."""
    try:
        with open_file(path) as file:
            found = json.loads(file.read(_LONGEST_RECORD_BYTES))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(found, dict) and found.keys() == {"set", "reason", "at"}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
