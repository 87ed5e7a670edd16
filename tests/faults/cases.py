"""The faults: what is done to a project before, during or beside a run."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from child import ended, start
from points import POINTS, WITHOUT_DVC
from support.ports import free_port
from support.projects import ROOT, set_params


@dataclass(frozen=True)
class Case:
    """A fault, and what is to come of it after the next run."""

    name: str
    run: Callable[[Path], list[int]]
    arrange: Callable[[Path], None] = lambda project: None
    code: int = 0  # the exit status that shows that the fault took place
    champion: str = "3"
    trained: bool = True  # whether the stages' results for the new brackets are cached, to be quick
    told: str = ""  # in the log of the next run
    untold: str | None = None  # not in it


def run(*words: str) -> Callable[[Path], list[int]]:
    return lambda project: [ended(start(project, *words))]


plain = run("plain")


def killed(point: str) -> Case:
    untold = "epoch 1/" if point.startswith("in stage train") else None  # its checkpoint is of that epoch
    return Case(point, run("die", point), code=-9, trained=not point.startswith("in stage"), untold=untold)


def truncate(pattern: str) -> Callable[[Path], None]:
    def arrange(project: Path) -> None:
        for path in project.glob(pattern):
            path.chmod(0o644)
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    return arrange


def damaged_checkpoint(project: Path) -> list[int]:
    codes = killed("in stage train").run(project)
    truncate(".deepfuse/checkpoints/*/epoch.pt")(project)
    return codes


def rolled_back(project: Path) -> list[int]:
    """A person takes the new champion back, and something is to be judged anew."""
    codes = plain(project)
    codes += run("rollback", "pink skies")(project)
    set_params(project, {"promote": {"resamples": 100}})
    return codes


def torn_lock(project: Path) -> None:
    (project / ".dvc/tmp").mkdir(exist_ok=True)
    (project / ".dvc/tmp/rwlock").write_text('{"write": {')


def foreign_lock(project: Path) -> None:
    holder = {"pid": os.getpid(), "cmd": "dvc repro"}
    (project / ".dvc/tmp").mkdir(exist_ok=True)
    (project / ".dvc/tmp/rwlock").write_text(json.dumps({"write": {str(project / "data/frames"): holder}, "read": {}}))


def worse(project: Path) -> None:
    set_params(project, {"train": {"learning_rate": 1e-9}})


def changed_and_dropped(project: Path) -> None:
    """A file of raw is another, and DVC's cache has not the one it was: only the remote has."""
    entry = project / "data/raw/attic/01_ev+0.dng"
    md5 = hashlib.md5(entry.read_bytes()).hexdigest()
    (project / ".dvc/cache/files/md5" / md5[:2] / md5[2:]).unlink()
    entry.unlink()
    entry.write_bytes(b"other")


def thinned_remote(project: Path) -> None:
    """The remote has the lists of its folders, but a third of its files are gone."""
    stored = sorted(path for path in (project.parent / "remote/files").rglob("*") if path.is_file())
    for path in [path for path in stored if path.suffix != ".dir"][::3]:
        path.unlink()


def without_remote(project: Path) -> list[int]:
    """The DVC remote is away: no model is promoted that is not there."""
    remote = project.parent / "remote"
    remote.rename(remote.with_name("away"))
    remote.write_text("no folder")
    codes = plain(project)
    remote.unlink()
    remote.with_name("away").rename(remote)
    said = (project.parent / "log").read_text()
    assert "is version 3 of" in said  # it is published
    assert "version 3 promoted" not in said
    return codes


def at_once(project: Path) -> list[int]:
    return [ended(process) for process in [start(project, "plain"), start(project, "plain")]]


def without_mlflow(project: Path) -> list[int]:
    """MLflow is away when the model is published, and comes back; Prefect's retries are what helps."""
    port, log = free_port(), project.parent / "log"
    address = f"http://127.0.0.1:{port}"
    settings = {"PYTHONPATH": str(ROOT), "MLFLOW_TRACKING_URI": address, "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1"}
    with log.open("ab") as said:
        command = [sys.executable, "-m", "flows", "retrain"]
        process = subprocess.Popen(command, cwd=project, env={**os.environ, **settings}, stdout=said, stderr=said)
    while "Retry 1/4" not in log.read_text() and process.poll() is None:
        time.sleep(0.5)
    store = ["--backend-store-uri", f"sqlite:///{project}/mlflow.db", "--no-serve-artifacts"]
    place = ["--default-artifact-root", f"{project}/mlruns", "--workers", "1", "--port", str(port)]
    with background(["mlflow", "server", *store, *place], project, MLFLOW_SERVER_ENABLE_JOB_EXECUTION="false"):
        return [process.wait()]


def cases() -> list[Case]:
    return [
        *(killed(point) for point in POINTS if point != WITHOUT_DVC),
        Case(WITHOUT_DVC, run("die", WITHOUT_DVC), code=1, trained=False, untold="epoch "),
        Case("a bracket in the inbox is cut short", plain, truncate("data/inbox/gale/01*"), trained=False),
        Case("a file in raw is cut short", plain, truncate("data/raw/attic/01*")),
        Case("a file in raw is another, and not in DVC's cache", plain, changed_and_dropped),
        Case("all of raw is gone", plain, lambda project: shutil.rmtree(project / "data/raw")),
        Case("a third of the remote is gone", plain, thinned_remote),
        Case("the remote is away", without_remote, code=1),
        Case("DVC's lists of files are cut short", plain, truncate(".dvc/cache/files/md5/*/*.dir")),
        Case("the checkpoint is cut short", damaged_checkpoint, code=-9, trained=False),
        Case("DVC's lock is cut short", plain, torn_lock),
        Case("DVC's lock names another process", plain, foreign_lock),
        Case("the model that comes is worse", plain, worse, champion="2", trained=False),
        Case(
            "the new champion is rolled back", rolled_back, champion="2", told="pink skies; `deepfuse promote 3` lifts"
        ),
        # No file may grow beyond 40 kB: the pictures do not fit.
        Case("no space for the pictures", run("limit", "40000"), code=1, trained=False),
        Case("MLflow is away for a while", without_mlflow),
        Case("two runs at once", at_once),
    ]


@contextmanager
def background(command: list[str], folder: Path, **environment: str) -> Iterator[None]:
    """A server, while the block runs."""
    with (folder.parent / "services").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *command], cwd=folder, env={**os.environ, **environment}, stdout=log, stderr=log
        )
    try:
        yield
    finally:
        process.terminate()
        process.wait()
