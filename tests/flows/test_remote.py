"""What made a model is on the remote before the model serves, whatever DVC believes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.checkouts import CACHE, REMOTE, drop
from support.projects import run_dvc

from deepfuse import registry
from deepfuse.evaluation import Verdict
from flows import remote, retrain
from flows.checks_here import check_remote


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


@pytest.mark.usefixtures("in_checkout")
def test_what_the_remote_lost_is_sent_again_and_what_nobody_has_is_an_error() -> None:
    there = files(REMOTE)
    for path in [path for path in there if path.suffix != ".dir"][::3]:
        drop(path)
    assert "up to date" in run_dvc(Path(), "push")
    remote.push()
    assert files(REMOTE) == there
    assert not remote.SINGLE_FILES.exists()
    content = files(CACHE)[0].relative_to(CACHE)
    drop(CACHE / content)
    drop(REMOTE / content)
    with pytest.raises(RuntimeError, match="expected all data on the remote, got 1 files missing there: data/raw/"):
        remote.push()


@pytest.mark.usefixtures("in_checkout")
def test_the_doctor_asks_for_every_file() -> None:
    assert [found.level for found in check_remote()] == ["ok"]
    drop(next(path for path in files(REMOTE) if path.suffix != ".dir"))
    [lacking] = check_remote()
    assert lacking.level == "warning"
    assert lacking.about.startswith("1 files are not there, data/")


def test_no_model_is_promoted_whose_data_is_not_on_the_remote(in_folder: None, monkeypatch: pytest.MonkeyPatch) -> None:
    called = []

    def step(name: str, result: Any = None) -> None:
        monkeypatch.setattr(retrain, name, lambda *_: called.append(name) or result)

    def refuse() -> None:
        raise RuntimeError("dvc push")

    for name, result in {"accept": [], "finished": None, "reproduce": None, "publish": "2", "record": None}.items():
        step(name, result)
    step("promote", Verdict(True, "better"))
    for place, name in ((retrain, "publish_shipped"), (retrain, "write_start"), (retrain.drift, "compare")):
        monkeypatch.setattr(place, name, lambda *_: None)
    monkeypatch.setattr(registry, "champion_version", lambda: "2")
    monkeypatch.setattr(retrain, "push", refuse)
    with pytest.raises(RuntimeError, match="dvc push"):
        retrain.retrain.fn()
    assert called == ["accept", "finished", "reproduce", "publish"]
    step("push")
    assert retrain.retrain.fn().data.promote
    assert called[-3:] == ["push", "promote", "record"]
