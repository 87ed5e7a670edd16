"""What a killed run leaves behind: processes that nobody waits for, and locks without a holder."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

from flows.logs import log

RWLOCK = Path(".dvc/tmp/rwlock")  # of a command's stages, beside a lock of the moments in which DVC reads and writes
MARK = "DEEPFUSE_RETRAINS_IN"  # in the environment of what a retraining starts, the folder that it works in


def recover() -> None:
    """Make the folder ready for DVC after a run that was killed: end its children, drop locks without a holder."""
    for process in started_here():
        log("process %s of a killed run is ended; its finished epochs are kept", process.pid)
        with suppress(psutil.NoSuchProcess):
            process.kill()
    if RWLOCK.exists() and not held(RWLOCK):
        RWLOCK.unlink()


def started_here() -> Iterator[psutil.Process]:
    """The processes that a retraining in this folder started."""
    here = str(Path.cwd())
    for process in psutil.process_iter(["environ"]):
        environment = process.info["environ"] or {}  # None where it is somebody else's, or ended
        if environment.get(MARK) == here and process.pid != os.getpid():
            yield process


def held(lock: Path) -> bool:
    """Whether a dvc that lives holds DVC's lock file: not one cut short, nor one whose process is another now."""
    try:
        entries = json.loads(lock.read_text(encoding="utf-8"))
        holders = [*entries["write"].values(), *(reader for readers in entries["read"].values() for reader in readers)]
        pids = [int(holder["pid"]) for holder in holders]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False
    return any("dvc" in (Path(word).stem for word in _words(pid)) for pid in pids)


def _words(pid: int) -> list[str]:
    """The command line of a process, empty if there is none."""
    try:
        return psutil.Process(pid).cmdline()
    except (psutil.Error, ValueError, OverflowError):
        return []
