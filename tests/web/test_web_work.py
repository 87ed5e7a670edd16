"""Pictures made in the background: paused, gone on with, refused, and with the model that counts."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from support.batches import job

from deepfuse.batch import Job, Outcome, sole_batch
from deepfuse.errors import Unreachable
from deepfuse.model import SHIPPED
from deepfuse.registry import Found
from deepfuse.resident import ResidentError
from deepfuse.web import model as model_module
from deepfuse.web import work as work_module
from deepfuse.web.model import ModelInUse
from deepfuse.web.work import Work


class Slow:
    """A process that makes a picture when it is told to."""

    def __init__(self, **limits: float | None) -> None:
        self.go = threading.Semaphore(0)
        Slow.last = self

    def ask(self, work: Callable[..., Outcome], one: Job, *, seconds: float) -> Outcome:
        self.go.acquire()
        if one.scene == "bad":
            raise ResidentError("took longer than 1 s")
        return Outcome(one.scene, "done")

    def close(self) -> None:
        pass

    last: Slow


def until(met: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not met():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Work]:
    monkeypatch.setattr(work_module, "Resident", Slow)
    work = Work(tmp_path / "out", 1)
    yield work
    work.close()


@pytest.fixture
def jobs(tmp_path: Path) -> list[Job]:
    first = job(tmp_path)
    return [replace(first, scene=scene) for scene in ("a", "b", "bad", "c")]


def test_a_pause_ends_the_set_that_is_made_and_begins_no_other(work: Work, jobs: list[Job]) -> None:
    work.add(jobs)
    until(lambda: work.progress().making == ("a",))
    work.pause()
    Slow.last.go.release()
    until(lambda: "a" in work.progress().ended)
    assert (work.progress().waiting, work.progress().making) == (("b", "bad", "c"), ())
    assert work.progress().left_s is not None
    work.resume()
    until(lambda: work.progress().making == ("b",))
    work.add([jobs[3]], first=True)
    assert work.progress().waiting == ("c", "bad")
    for _ in range(3):
        Slow.last.go.release()
    until(lambda: len(work.progress().ended) == 4)
    assert work.progress().ended["bad"].reason == "took longer than 1 s"
    assert work.progress().ended["c"].status == "done"


def test_where_a_batch_works_nothing_is_made_until_it_ended(work: Work, jobs: list[Job], tmp_path: Path) -> None:
    with sole_batch(tmp_path / "out"):
        work.add(jobs[:1])
        until(lambda: bool(work.progress().refused))
        assert work.progress().waiting == ("a",)
    work.resume()
    until(lambda: work.progress().making == ("a",))
    assert not work.progress().refused
    Slow.last.go.release()
    until(lambda: "a" in work.progress().ended)


def test_the_model_changes_when_its_alias_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    now = {"version": "models:/deepfuse/1"}

    @contextmanager
    def found(source: str) -> Iterator[Found]:
        yield Found(SHIPPED, now["version"])

    def as_version(source: str) -> str:
        if not now["version"]:
            raise Unreachable("the registry is away")
        return now["version"]

    monkeypatch.setattr(model_module, "model_folder", found)
    monkeypatch.setattr(model_module, "as_version", as_version)
    monkeypatch.setattr(model_module, "versions", lambda: ())
    monkeypatch.setattr(model_module, "ASK_AGAIN_S", 0.0)
    model = ModelInUse("models:/deepfuse@champion")
    assert model.current().name == "models:/deepfuse/1"
    now["version"] = "models:/deepfuse/2"
    assert model.current().name == "models:/deepfuse/2"
    now["version"] = ""
    assert model.current().name == "models:/deepfuse/2"
    assert "away" in model.problem


def test_a_registry_that_hangs_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    answer, answers = threading.Event(), list[str]()

    @contextmanager
    def found(source: str) -> Iterator[Found]:
        yield Found(SHIPPED, answers[-1] if answers else "models:/deepfuse/1")

    def as_version(source: str) -> str:
        answer.wait(60)
        answers.append("models:/deepfuse/2")
        return answers[-1]

    monkeypatch.setattr(model_module, "model_folder", found)
    monkeypatch.setattr(model_module, "as_version", as_version)
    monkeypatch.setattr(model_module, "versions", lambda: ())
    monkeypatch.setattr(model_module, "ASK_AGAIN_S", 0.0)
    monkeypatch.setattr(model_module, "PATIENCE_S", 0.01)
    model = ModelInUse("models:/deepfuse@champion")
    assert model.current().name == "models:/deepfuse/1"
    answer.set()
    until(lambda: model.current().name == "models:/deepfuse/2")
