"""The inbox: sets that arrived are checked and move to `data/raw`, or to `data/quarantine` with the reason.

The inbox holds complete sets: `python -m flows submit` and `watch` see to that. Who writes to it directly writes
under a hidden name, or one that ends in `.part`, and renames. A set that changes while it is looked at waits.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from deepfuse.bracket import PHOTO_SUFFIXES, RADIANCE_SUFFIX, printable
from deepfuse.errors import BracketError, DeepfuseError, ParamsError
from deepfuse.files import write_json
from deepfuse.grouping import find_brackets
from deepfuse.params import read_params
from deepfuse.photo import read_photo
from deepfuse.simulation.camera import read_radiance
from deepfuse.workers import run_scenes
from flows.sets import (
    REASON,
    files_of,
    find_sets,
    fingerprint,
    free_name,
    is_partial,
    loose_photos,
    move,
    remove,
    snapshot,
    tidy,
)

INBOX = Path("data/inbox")
RAW = Path("data/raw")
QUARANTINE = Path("data/quarantine")
SETTLED_S = 1.0


@dataclass(frozen=True)
class Arrival:
    """What became of one set: under which name it lies now, and why."""

    name: str
    status: Literal["accepted", "duplicate", "refused", "waiting"]
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
        tidy(folder)
    waiting = [
        Arrival(photo.name, "waiting", f"{photo}: expected a folder for each set, got a loose photo")
        for photo in loose_photos(INBOX)
    ]
    entries = find_sets(INBOX)
    if not entries:
        return waiting
    before = snapshot(entries)
    time.sleep(SETTLED_S)
    content = {fingerprint(entry, known=known): entry for entry in find_sets(RAW)}
    return waiting + [_take(entry, before, content) for entry in entries]


def _take(entry: Path, before: Mapping[Path, tuple[int, int]], content: dict[str, Path]) -> Arrival:
    name = printable(entry.name)
    now = snapshot([entry])
    if is_partial(entry) or any(before.get(path) != state for path, state in now.items()):
        return Arrival(name, "waiting", f"{printable(str(entry))}: is still being written")
    try:
        if (reason := fault(entry)) is not None:
            return _refuse(entry, reason)
        key = fingerprint(entry)
        if (same := content.get(key)) and fingerprint(same) == key:
            return _drop(entry, same)
        if entry.is_dir():
            (entry / REASON).unlink(missing_ok=True)
        content[key] = target = free_name(RAW, entry, key)
        move(entry, target)
        return Arrival(target.name, "accepted", f"{len(files_of(target))} files")
    except (OSError, MemoryError) as error:
        return Arrival(name, "waiting", f"{printable(str(entry))}: cannot be taken: {error}")


def fault(entry: Path) -> str | None:
    """What is wrong with a set, if anything; found in a process of its own, which a damaged photo may crash or hang."""
    limits = read_params().ingest.limits
    [reason] = run_scenes(
        [entry],
        _reason,
        refuse=lambda entry, failure: f"{entry}: {failure}",
        jobs=1,
        memory_gb=limits.memory_gb,
        seconds=lambda entry: limits.seconds * max(1, len(files_of(entry))),
    )
    return reason


def _reason(entry: Path) -> str | None:
    try:
        check_set(entry)
    except DeepfuseError as error:
        return printable(str(error))
    return None


def check_set(entry: Path) -> None:
    """Refuse a set that cannot be a bracket: every photo must decode.

    Raises:
        DeepfuseError: what is wrong with it.
    """
    try:
        "".join(str(path) for path in (entry, *entry.rglob("*"))).encode()
    except UnicodeEncodeError:
        raise BracketError(f"{printable(str(entry))}: expected names in UTF-8, got other bytes") from None
    if links := [path for path in (entry, *entry.rglob("*")) if path.is_symlink()]:
        raise BracketError(f"{links[0]}: expected a file, got a link")
    files = files_of(entry)
    photos = [path for path in files if path.suffix.lower() in PHOTO_SUFFIXES]
    maps = [path for path in files if path.suffix.lower() == RADIANCE_SUFFIX]
    if len(photos) < 2 and (photos or not maps):
        raise BracketError(
            f"{entry}: expected 2 or more photos or a radiance map, got {len(photos)} of {len(files)} files"
        )
    if entry.is_dir() and not (found := find_brackets(entry)).groups:
        reasons = {*(one.why for one in found.refused), *(one.why for one in found.left_out)}
        raise BracketError(f"{entry}: expected a bracket, got none: {'; '.join(sorted(reasons))}")
    for photo in photos:
        read_photo(photo)
    for radiance in [] if photos else maps:
        read_radiance(radiance)


def _refuse(entry: Path, reason: str) -> Arrival:
    """Into quarantine: with its reason if it is a folder, beside it if it is a file."""
    target = free_name(QUARANTINE, entry, fingerprint(entry))
    remove(target)  # refused before, with this very content
    record = entry / REASON if entry.is_dir() else QUARANTINE / f"{target.name}.{REASON}"
    record.parent.mkdir(parents=True, exist_ok=True)
    write_json(record, {"set": printable(entry.name), "reason": reason, "at": _now()})
    move(entry, target)
    return Arrival(printable(target.name), "refused", reason)


def _drop(entry: Path, same: Path) -> Arrival:
    """Delete a set that `data/raw` has already, and keep a record of it."""
    record = QUARANTINE / "duplicates" / f"{entry.name}.json"
    record.parent.mkdir(parents=True, exist_ok=True)
    write_json(record, {"set": entry.name, "same_as": str(same), "at": _now()})
    remove(entry)
    return Arrival(entry.name, "duplicate", f"the same photos as {same}")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
