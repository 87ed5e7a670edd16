"""One retraining at a time in one checkout: a lock that dies with its holder, however that ends."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from deepfuse.files import write_text
from flows.logs import log

LOCK = Path(".deepfuse/retrain.lock")
HOLDER = LOCK.with_suffix(".pid")
FINISHED = Path(".deepfuse/finished.json")  # what the last run that made or judged something came to
UNFINISHED = LOCK.with_suffix(".unfinished")
POLL_S = 0.5


@contextmanager
def only_run() -> Iterator[None]:
    """Wait until no other retraining runs in this folder, and keep others out until the block ends."""
    LOCK.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(LOCK)
    try:
        held = lock.acquire(blocking=False)
    except Timeout:
        log("another retraining runs in this folder (process %s); this one goes on after it", _holder())
        held = lock.acquire(poll_interval=POLL_S)
    with held:
        write_text(HOLDER, f"{os.getpid()}\n")
        yield


@contextmanager
def marked() -> Iterator[None]:
    """Leave a mark where a retraining is killed or raises, until one ends well."""
    UNFINISHED.touch()
    yield
    UNFINISHED.unlink(missing_ok=True)


def is_running() -> bool:
    """Whether a retraining runs in this folder."""
    if not LOCK.exists():
        return False
    try:
        with FileLock(LOCK).acquire(blocking=False):
            return False
    except Timeout:
        return True


def is_unfinished() -> bool:
    """Whether the last retraining in this folder did not come to its end, and none runs that may."""
    return UNFINISHED.exists() and not is_running()


def _holder() -> str:
    return HOLDER.read_text(encoding="utf-8").strip() if HOLDER.exists() else "?"
