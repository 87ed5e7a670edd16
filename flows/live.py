"""Curves in MLflow while a training runs. Nothing depends on them: an MLflow that is away or slow costs a line."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deepfuse import registry
from flows.logs import log

CHECKPOINTS = Path(".deepfuse/checkpoints")
HISTORY = "history.csv"  # in the folder of each training, which is called as `training_id` names it
POLL_S = 5.0
PATIENCE_S = 10.0  # for what is still to be told when the block has ended


@contextmanager
def live_curves() -> Iterator[None]:
    """Follow a training that begins in the block: its epochs go to a run of MLflow, and what the machine does."""
    ended, failed = threading.Event(), threading.Event()
    context = contextvars.copy_context()  # it knows the log of the run
    # A daemon: an MLflow that hangs keeps no process alive.
    follower = threading.Thread(target=context.run, args=(_follow, _changes(), ended, failed), daemon=True)
    follower.start()
    try:
        yield
    except BaseException:
        failed.set()
        raise
    finally:
        ended.set()
        follower.join(PATIENCE_S)


def _follow(before: dict[str, int], ended: threading.Event, failed: threading.Event) -> None:
    try:
        if training := _begun(before, ended):
            _tell(training, ended, failed)
    except Exception as error:
        log("MLflow has no curves of this training while it runs: %s", error)


def _begun(before: dict[str, int], ended: threading.Event) -> str | None:
    """The training whose history changes first; `None` if the block ends before."""
    while not ended.wait(POLL_S):
        for training, changed in _changes().items():
            if before.get(training) != changed:
                return training
    return None


def _tell(training: str, ended: threading.Event, failed: threading.Event) -> None:
    told, over, run = None, False, registry.LiveRun(training)
    try:
        while not over:
            over = ended.wait(POLL_S)
            if (changed := _changes().get(training)) not in (None, told):
                run.log(CHECKPOINTS / training / HISTORY)
                told = changed
    finally:
        run.end(failed=failed.is_set())


def _changes() -> dict[str, int]:
    """When the history of each training changed last."""
    return {path.parent.name: path.stat().st_mtime_ns for path in CHECKPOINTS.glob(f"*/{HISTORY}")}
