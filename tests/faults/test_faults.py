"""Kill, corrupt, fill and stop the loop, and show that the next run finishes the work: `make faults`.

Every case starts from one small project with a champion and two new brackets in the inbox. After the fault every
bracket must be in the inbox, in raw or in quarantine, and the champion must load; after the next run there must be
one version for each model, and nothing left to do.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cases import Case, cases, plain, run
from child import STATE, ended, fork
from support.projects import SCENES, add_scene, commit_all, make_project, raw_project, run_dvc, set_params

from deepfuse.evaluation import guards, reference_guards

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600)]

NEW = ("fjord", "gale")
CACHES = (".dvc/cache", ".deepfuse/cache")
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
def place(tmp_path_factory: pytest.TempPathFactory, empty_registry: Path) -> Iterator[Path]:
    """A folder with `base`, the project that every case starts from.

    The champion of that project was trained on five brackets, for one epoch. Cases work on a copy in `project`, for
    DVC and MLflow remember where it lies.
    """
    folder = tmp_path_factory.mktemp("faults")
    project = folder / "project"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_HOME", str(folder / "prefect"))
        make_base(project, empty_registry)
        shutil.copytree(project, folder / "base", symlinks=True)
        yield folder


def make_base(project: Path, empty_registry: Path) -> None:
    assert ended(fork(lambda: make_brackets(project))) == 0
    shutil.copy(empty_registry, project)
    set_params(project, {"train": {"epochs": 1}, "promote": LENIENT})
    run_dvc(project, "remote", "add", "--default", "store", str(project.parent / "remote"))
    commit_all(project)
    finish(project)
    # Beside the shipped weights no model of these brackets is a gain.
    assert run("champion", "2")(project) == [0], (project.parent / "log").read_text()
    (project.parent / "new").rename(project / "data/inbox")
    set_params(project, {"train": {"epochs": 3}})


def make_brackets(project: Path) -> None:
    make_project(project)
    (project / "data").mkdir(exist_ok=True)
    raw_project(project)
    for seed, name in enumerate(NEW, 9):
        add_scene(project, name, seed, folder="../new")


def finish(project: Path) -> None:
    assert plain(project) == [0], (project.parent / "log").read_text()


def copy_of_base(place: Path, *, trained: bool) -> Path:
    project, cache = place / "project", results(place) if trained else None
    shutil.rmtree(project)
    shutil.copytree(place / "base", project, symlinks=True)
    if cache:
        for name in CACHES:
            shutil.rmtree(project / name)
        shutil.copytree(cache, project, dirs_exist_ok=True)
    (place / "log").write_text("")
    return project


def results(place: Path) -> Path:
    """The stages' results for the new brackets, by a run when the first case wants them."""
    cache = place / "cache"
    if not cache.exists():
        project = copy_of_base(place, trained=False)
        finish(project)
        for name in CACHES:
            shutil.copytree(project / name, cache / name)
    return cache


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_the_next_run_finishes_the_work(place: Path, case: Case) -> None:
    project = copy_of_base(place, trained=case.trained)
    case.arrange(project)
    codes = case.run(project)
    assert set(codes) == {case.code}, (place / "log").read_text()
    assert lost(project) == set()
    state, said = run_again(project)
    assert lost(project) == set()
    assert state["left"] == []
    assert len(state["keys"]) == len(set(state["keys"])) == 3, (
        "a version for each of two models, and the shipped weights"
    )
    assert state["champion"] == case.champion
    assert case.told in said
    assert case.untold is None or case.untold not in said


def run_again(project: Path) -> tuple[dict[str, Any], str]:
    """The state of registry and pipeline after a plain run, and what it said; before it, the champion loads."""
    log = project.parent / "log"
    before = len(log.read_text())
    codes = run("again")(project)
    said = log.read_text()[before:]
    assert codes == [0], log.read_text()
    state: dict[str, Any] = json.loads(said.rpartition(f"\n{STATE}")[2].splitlines()[0])
    return state, said


def lost(project: Path) -> set[str]:
    """The brackets that are nowhere."""
    folders = [project / "data" / name for name in ("inbox", "raw", "quarantine")]
    found = {entry.name for folder in folders if folder.exists() for entry in folder.iterdir()}
    return {*SCENES, *NEW} - found
