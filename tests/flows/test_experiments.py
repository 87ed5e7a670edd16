"""Experiments beside the loop run in folders of their own; one in the loop's is named as what it is."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from support.checkouts import WHOLE
from support.projects import ROOT, run_dvc

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
