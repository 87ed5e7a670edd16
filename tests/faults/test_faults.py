"""Kill, corrupt, fill and stop the loop, and show that the next run finishes the work: `make faults`.

Every case starts from one small project with a champion and two new brackets in the inbox. After the fault every
bracket must be in the inbox, in raw or in quarantine, and the champion must load; after the next run there must be
one version for each model, and nothing left to do.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cases import CHILD, Case, cases, plain
from support.projects import ROOT, SCENES, add_scene, commit_all, make_project, raw_project, run_dvc, set_params

from deepfuse import registry
from deepfuse.evaluation import guards, reference_guards

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1200)]

NEW = ("fjord", "gale")
# Any gain promotes: what is tested is that the next model takes over once, not that it deserves it.
LENIENT = {
    "min_scenes": 1,
    "min_gain": 0.0,
    "confidence": 0.51,
    "max_drop": 1.0,
    "max_worse": dict.fromkeys(guards(), 9.0),
    "reference": {"max_drop": 1.0, "max_worse": dict.fromkeys(reference_guards(), 9.0)},
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with `base`, the project that every case starts from, and `cache`, the stages' results for it.

    The champion of that project was trained on five brackets, for one epoch. Cases work on a copy in `project`, for
    DVC and MLflow remember where it lies.
    """
    folder = tmp_path_factory.mktemp("faults")
    project = folder / "project"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_HOME", str(folder / "prefect"))
        make_base(project)
        shutil.copytree(project, folder / "base", symlinks=True)
        finish(project)
        for name in (".dvc/cache", ".deepfuse/cache"):
            shutil.copytree(project / name, folder / "cache" / name)
        yield folder


def make_base(project: Path) -> None:
    make_project(project)
    (project / "data").mkdir(exist_ok=True)
    raw_project(project)
    set_params(project, {"train": {"epochs": 1}, "promote": LENIENT})
    run_dvc(project, "remote", "add", "--default", "store", str(project.parent / "remote"))
    commit_all(project)
    finish(project)
    with pytest.MonkeyPatch.context() as patch:  # beside the shipped weights no model of these brackets is a gain
        patch.chdir(project)
        registry.promote("2")
    for seed, name in enumerate(NEW, 9):
        add_scene(project, name, seed, folder="data/inbox")
    set_params(project, {"train": {"epochs": 3}})


def finish(project: Path) -> None:
    assert plain(project) == [0], (project.parent / "log").read_text()


def copy_of_base(place: Path, *, trained: bool) -> Path:
    project = place / "project"
    shutil.rmtree(project)
    shutil.copytree(place / "base", project, symlinks=True)
    if trained:
        shutil.rmtree(project / ".dvc/cache")
        shutil.rmtree(project / ".deepfuse/cache")
        shutil.copytree(place / "cache", project, dirs_exist_ok=True)
    (place / "log").write_text("")
    return project


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_the_next_run_finishes_the_work(place: Path, case: Case) -> None:
    project = copy_of_base(place, trained=case.trained)
    case.arrange(project)
    codes = case.run(project)
    assert set(codes) == {case.code}, (place / "log").read_text()
    assert lost(project) == set()
    state = run_again(project)
    assert lost(project) == set()
    assert state["left"] == []
    assert len(state["keys"]) == len(set(state["keys"])) == 3, (
        "a version for each of two models, and the shipped weights"
    )
    assert state["champion"] == case.champion


def run_again(project: Path) -> dict[str, Any]:
    """The state of registry and pipeline after a plain run; before it, the champion loads."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, CHILD, "again"], cwd=project, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, (project.parent / "log").read_text() + done.stdout + done.stderr
    state: dict[str, Any] = json.loads([line for line in done.stdout.splitlines() if line.startswith('{"keys"')][-1])
    return state


def lost(project: Path) -> set[str]:
    """The brackets that are nowhere."""
    folders = [project / "data" / name for name in ("inbox", "raw", "quarantine")]
    found = {entry.name for folder in folders if folder.exists() for entry in folder.iterdir()}
    return {*SCENES, *NEW} - found
