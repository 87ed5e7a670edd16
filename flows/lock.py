"""One retraining at a time in one checkout: a lock that dies with its holder, however that ends."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flows.logs import log

LOCK = Path(".deepfuse/retrain.lock")


@contextmanager
def only_run() -> Iterator[None]:
    """Wait until no other retraining runs in this folder, and keep others out until the block ends."""
    LOCK.parent.mkdir(parents=True, exist_ok=True)
    with LOCK.open("a+", encoding="utf-8") as file:
        if not _locked(file.fileno()):
            file.seek(0)
            log("another retraining runs in this folder (process %s); this one goes on after it", file.read().strip())
            fcntl.flock(file, fcntl.LOCK_EX)
        file.truncate(0)
        print(os.getpid(), file=file, flush=True)
        yield


def is_running() -> bool:
    """Whether a retraining runs in this folder."""
    if not LOCK.exists():
        return False
    with LOCK.open("a+", encoding="utf-8") as file:
        return not _locked(file.fileno())


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
