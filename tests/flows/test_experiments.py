"""Experiments beside the loop run in folders of their own; one in the loop's is named as what it is."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from support.checkouts import WHOLE
from support.projects import ROOT, run_dvc

from deepfuse import registry
from flows import retrain
from flows.experiments import uncommitted_params

STATE = ".deepfuse/dvc"
STAGE = "stages: {evaluate: {cmd: cp -r data/raw out, deps: [data/raw], params: [train], outs: [out]}}"
GIT = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org"]


@pytest.fixture
def installation(in_checkout: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Brackets that DVC recorded and git does not know, as in the loop's own folder."""
    for name in (".gitignore", f"{STATE}/repo/README"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes((ROOT / name).read_bytes())
    Path("dvc.yaml").write_text(STAGE)
    Path("params.yaml").write_text("train: {epochs: 6}\n")
    run_dvc(Path(), "config", "core.no_scm", "false")
    for command in (["init", "-q"], ["add", "-f", ".", ":!data/raw*", ":!dvc.lock"], ["commit", "-qm", "start"]):
        subprocess.run([*GIT, *command], check=True)
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(Path(STATE).resolve()))


@pytest.mark.usefixtures("installation")
def test_an_experiment_has_the_brackets_that_only_dvc_records() -> None:
    subprocess.run(["git", "add", "data/raw.dvc"], check=True)
    for name, value in (("user.name", "a"), ("user.email", "a@example.org")):  # DVC stashes what is not committed
        subprocess.run(["git", "config", name, value], check=True)
    before = Path("params.yaml").read_text()
    said = run_dvc(Path(), "exp", "run", "--temp", "--name", "trial", "-S", "train.epochs=9")
    assert "Ran experiment(s): trial" in said
    assert Path("params.yaml").read_text() == before
    assert not Path("out").exists()
    assert uncommitted_params() == ""
    run_dvc(Path(), "exp", "apply", "trial")
    assert {path.relative_to("out").as_posix() for path in Path("out").rglob("*.dng")} == WHOLE.keys()
    assert uncommitted_params() == "train.epochs: 6 → 9"


def test_without_git_nothing_is_uncommitted(in_folder: None) -> None:
    assert uncommitted_params() == ""


def test_a_model_of_uncommitted_parameters_says_so_and_so_does_a_second_registry(
    in_folder: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    published: dict[str, Any] = {}
    monkeypatch.setattr(retrain, "uncommitted_params", lambda: "train.epochs: 6 → 9")
    monkeypatch.setattr(retrain, "about_data", dict)
    monkeypatch.setattr(retrain.pipeline, "model_key", lambda: "key")
    monkeypatch.setattr(registry, "publish", lambda *_, **options: published.update(options) or "2")
    monkeypatch.setattr(registry, "second_registry", lambda: "there are two")
    with caplog.at_level("INFO", logger="flows"):
        assert retrain.publish.fn() == "2"
    assert published["tags"] == {"deepfuse.uncommitted_params": "train.epochs: 6 → 9"}
    assert "that nobody committed, an experiment's perhaps, are of this model: train.epochs: 6 → 9" in caplog.text
    assert "there are two" in caplog.text
