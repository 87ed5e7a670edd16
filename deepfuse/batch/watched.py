"""One watch for a folder, and nobody beside it who makes pictures otherwise: each would make the other's anew."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from deepfuse.batch.place import not_linked, own_folder
from deepfuse.batch.record import read_details
from deepfuse.bracket import printable
from deepfuse.errors import DeepfuseError
from deepfuse.files import write_json

LOCK, TOLD = "watch_lock", "watch"  # the system lets the lock go when a process ends, however that is
PATIENCE_S = 1.0  # with who only asks


@contextmanager
def sole_watch(source: Path, output: Path, making: Mapping[str, Any]) -> Iterator[None]:
    """Hold an output folder for a watch.

    Args:
        source: the folder that is watched.
        output: where pictures go, which is there.
        making: what decides on all of them, as JSON values.

    Raises:
        DeepfuseError: another watch has it, or what is this program's own there leads elsewhere.
    """
    folder = own_folder(output)
    folder.mkdir(exist_ok=True)
    try:
        held = FileLock(not_linked(folder / LOCK)).acquire(timeout=PATIENCE_S)
    except Timeout as error:
        what = f"expected a folder for this watch alone, got that of {_who(read_details(folder / TOLD))}"
        raise DeepfuseError(f"{printable(str(output))}: {what}; end that one, or name another OUT") from error
    with held:
        told = {"process": os.getpid(), "host": platform.node(), "source": printable(str(source)), "making": making}
        write_json(not_linked(folder / TOLD), told)
        yield


def check_watched(output: Path, making: Mapping[str, Any]) -> None:
    """Make sure that no watch makes the pictures in a folder otherwise.

    Raises:
        DeepfuseError: one does; the message says which one, and in what.
    """
    folder = own_folder(output)
    if not _is_held(folder / LOCK):
        return
    told = read_details(folder / TOLD)
    theirs, ours = told.get("making", {}), json.loads(json.dumps(making))
    if others := [name for name, value in ours.items() if theirs.get(name) != value]:
        what = f"{_who(told)}, makes pictures with another {', '.join(others)}, and would make these anew"
        raise DeepfuseError(f"{printable(str(output))}: {what}; end that one, or name another OUT")


def _is_held(lock: Path) -> bool:
    if not lock.is_file():
        return False
    try:
        with FileLock(not_linked(lock)).acquire(blocking=False):
            return False
    except Timeout:
        return True


def _who(told: Mapping[str, Any]) -> str:
    where = "" if told.get("host") == platform.node() else f" on {printable(str(told.get('host')))}"
    return f"process {told.get('process')}{where}, which watches {printable(str(told.get('source')))}"
