"""Curves while a training runs: they arrive, and nothing waits for them or fails with them."""

from __future__ import annotations

import threading
from contextlib import nullcontext
from pathlib import Path
from queue import Queue
from typing import Any

import pytest

from deepfuse import registry
from deepfuse.errors import Unreachable
from flows import live

TOLD_S = 30.0


class FakeRun:
    """A run of MLflow that remembers."""

    def __init__(self, training: str) -> None:
        self.training, self.told = training, threading.Event()
        self.histories: list[str] = []
        self.failed: bool | None = None

    def log(self, history: Path) -> None:
        self.histories.append(history.read_text())
        self.told.set()

    def end(self, *, failed: bool) -> None:
        self.failed = failed


@pytest.fixture
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the log says, in a folder with an old training's history that nothing changes."""
    lines: list[str] = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(live, "POLL_S", 0.01)
    monkeypatch.setattr(live, "log", lambda message, *values: lines.append(message % values))
    write("old", "epoch\n1\n")
    return lines


def write(training: str, text: str) -> None:
    path = live.CHECKPOINTS / training / live.HISTORY
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Queue[FakeRun]:
    """The runs that are made."""
    made: Queue[FakeRun] = Queue()

    def begin(training: str) -> FakeRun:
        made.put(run := FakeRun(training))
        return run

    monkeypatch.setattr(registry, "LiveRun", begin)
    return made


@pytest.mark.parametrize("fails", [False, True])
def test_epochs_arrive_while_the_training_runs(said: list[str], runs: Queue[FakeRun], fails: bool) -> None:
    found = []
    with pytest.raises(RuntimeError, match="dvc repro") if fails else nullcontext(), live.live_curves():
        write("new", "epoch\n")
        found.append(runs.get(timeout=TOLD_S))
        assert found[0].told.wait(TOLD_S)
        write("new", "epoch\n1\n")
        if fails:
            raise RuntimeError("dvc repro")
    [run] = found
    assert (run.training, run.failed) == ("new", fails)
    assert run.histories[-1] == "epoch\n1\n"
    assert (said, runs.qsize()) == ([], 0)


def test_what_trains_nothing_tells_nothing(said: list[str], runs: Queue[FakeRun]) -> None:
    with live.live_curves():
        pass
    assert (said, runs.qsize()) == ([], 0)


def test_an_mlflow_that_is_away_costs_a_line(said: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    told = threading.Event()

    def away(training: str) -> Any:
        told.set()
        raise Unreachable("MLflow at x cannot be reached")

    monkeypatch.setattr(registry, "LiveRun", away)
    with live.live_curves():
        write("new", "epoch\n")
        assert told.wait(TOLD_S)
    assert said == ["MLflow has no curves of this training while it runs: MLflow at x cannot be reached"]


def test_nobody_waits_for_an_mlflow_that_hangs(said: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    begun, released = threading.Event(), threading.Event()

    def hang(training: str) -> Any:
        begun.set()
        assert released.wait(TOLD_S)
        raise Unreachable("at last")

    monkeypatch.setattr(live, "PATIENCE_S", 0.01)
    monkeypatch.setattr(registry, "LiveRun", hang)
    try:
        with live.live_curves():
            write("new", "epoch\n")
            assert begun.wait(TOLD_S)
        assert said == [], "it hangs still"
    finally:
        released.set()
