"""Kill, corrupt, fill and stop the loop, and show that the next run finishes the work: `python tests/faults/run.py`.

Every case starts from one small project with a champion and two new brackets in the inbox. After the fault every
bracket must be in the inbox, in raw or in quarantine, and the champion must load; after the next run there must be
one version for each model, and nothing left to do. Names of cases, or parts of names, run only these.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(Path(__file__).parent)]

from conftest import add_scene, commit_all, make_project, raw_project, run_dvc, set_params  # noqa: E402

NEW = ("fjord", "gale")


@dataclass(frozen=True)
class Case:
    """A fault: what is done before the run, how the run is started, and whether it is to fail."""

    name: str
    arrange: Callable[[Path], None] = lambda project: None
    run: Callable[[Path], list[int]] | None = None
    champion: str = "2"
    trained: bool = False  # whether the stages' results for the new brackets are cached, to be quick
    code: int = 0  # the exit status that shows that the fault took place


def flow(project: Path, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, *(arguments or ("-m", "flows", "retrain"))]
    settings = {**os.environ, "PYTHONPATH": str(ROOT), "TQDM_MININTERVAL": "0.05", **environment}
    log = (project.parent / "log").open("ab")
    return subprocess.Popen(command, cwd=project, env=settings, stdout=log, stderr=subprocess.STDOUT)


def killed(point: str) -> Case:
    trained = not point.startswith("in stage")
    return Case(point, trained=trained, run=lambda project: [flow(project, __file__, "--die", point).wait()], code=-9)


def truncate(pattern: str) -> Callable[[Path], None]:
    def arrange(project: Path) -> None:
        for path in project.glob(pattern):
            path.chmod(0o644)
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    return arrange


def damaged_checkpoint(project: Path) -> list[int]:
    codes = [flow(project, __file__, "--die", "in stage train").wait()]
    truncate(".deepfuse/checkpoints/*/epoch.pt")(project)
    return codes


def torn_lock(project: Path) -> None:
    (project / ".dvc/tmp").mkdir(exist_ok=True)
    (project / ".dvc/tmp/rwlock").write_text('{"write": {')


def foreign_lock(project: Path) -> None:
    holder = {"pid": os.getpid(), "cmd": "dvc repro"}
    (project / ".dvc/tmp/rwlock").write_text(json.dumps({"write": {str(project / "data/frames"): holder}, "read": {}}))


def worse(project: Path) -> None:
    set_params(project, {"train": {"learning_rate": 1e-9}})


def at_once(project: Path) -> list[int]:
    return [process.wait() for process in [flow(project), flow(project)]]


def full_disk(project: Path) -> list[int]:
    """No file may grow beyond 100 kB: the model does not fit."""
    return [flow(project, __file__, "--limit", "100000").wait()]


def without_mlflow(project: Path) -> list[int]:
    """MLflow is away when the model is published, and comes back."""
    settings = {"MLFLOW_TRACKING_URI": f"http://127.0.0.1:{MLFLOW_PORT}", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1"}
    process = flow(project, **settings)
    while "Task run 'publish" not in (project.parent / "log").read_text() and process.poll() is None:
        time.sleep(0.5)
    time.sleep(3)
    store = ["--backend-store-uri", f"sqlite:///{project}/mlflow.db", "--no-serve-artifacts"]
    place = ["--default-artifact-root", f"{project}/mlruns", "--workers", "1", "--port", str(MLFLOW_PORT)]
    with background(["mlflow", "server", *store, *place], project, MLFLOW_SERVER_ENABLE_JOB_EXECUTION="false"):
        return [process.wait()]


def wait_for(url: str) -> None:
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.5)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


MLFLOW_PORT, PREFECT_PORT = free_port(), free_port()


def cases() -> list[Case]:
    from points import POINTS

    return [
        *map(killed, POINTS),
        Case("a bracket in the inbox is cut short", trained=True, arrange=truncate("data/inbox/gale/01*")),
        Case("a file in raw is cut short", trained=True, arrange=truncate("data/raw/attic/01*")),
        Case("DVC's list of raw is cut short", trained=True, arrange=truncate(".dvc/cache/files/md5/*/*.dir")),
        Case("the checkpoint is cut short", run=damaged_checkpoint, code=-9),
        Case("DVC's lock is cut short", trained=True, arrange=torn_lock),
        Case("DVC's lock names another process", trained=True, arrange=foreign_lock),
        Case("the model that comes is worse", worse, champion="1"),
        Case("no space for the model", run=full_disk, code=1),
        Case("MLflow is away for a while", trained=True, run=without_mlflow),
        Case("two runs at once", run=at_once),
    ]


def brackets(project: Path) -> set[str]:
    """The names of the sets, wherever they are."""
    folders = [project / "data" / name for name in ("inbox", "raw", "quarantine")]
    return {entry.name for folder in folders if folder.exists() for entry in folder.iterdir()}


def check(project: Path, *, champion: str | None = None) -> list[str]:
    """What is wrong with the project; empty if nothing is."""
    code = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); from state import print_state; print_state()"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], cwd=project, env=environment, capture_output=True, text=True)
    if done.returncode:
        return [f"the champion does not load: {done.stderr.strip().splitlines()[-1]}"]
    state = json.loads(done.stdout.splitlines()[-1])
    wrong = [f"{name} is lost" for name in sorted(EXPECTED - brackets(project))]
    if len(set(state["keys"])) != len(state["keys"]):
        wrong.append(f"{len(state['keys'])} versions of {len(set(state['keys']))} models")
    if champion and state["left"]:
        wrong.append(f"left to do: {state['left']}")
    if champion and (len(state["keys"]), state["champion"]) != (2, champion):
        wrong.append(f"expected champion {champion} of 2, got {state['champion']} of {len(state['keys'])}")
    return wrong


EXPECTED = {"attic", "barn", "cave", "dune", "elm", *NEW}


@contextmanager
def background(command: list[str], folder: Path, **environment: str) -> Iterator[None]:
    log = (folder.parent / "services").open("ab")
    settings = {**os.environ, **environment}
    process = subprocess.Popen([sys.executable, "-m", *command], cwd=folder, env=settings, stdout=log, stderr=log)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def make_base(project: Path) -> None:
    """A project in git whose champion was trained on five brackets."""
    make_project(project)
    (project / "data").mkdir(exist_ok=True)
    raw_project(project)
    set_params(project, {"train": {"epochs": 1}})
    run_dvc(project, "remote", "add", "--default", "store", str(project.parent / "remote"))
    commit_all(project)
    assert flow(project).wait() == 0
    for seed, name in enumerate(NEW, 9):
        add_scene(project, name, seed, folder="data/inbox")
    set_params(project, {"train": {"epochs": 3}})


def make_trained(base: Path, project: Path) -> None:
    """Run once, and keep of it nothing but the cached results of the stages."""
    assert flow(project).wait() == 0
    for name in (".dvc/cache", ".deepfuse/cache"):
        shutil.copytree(project / name, base.parent / "cache" / name)


def run(case: Case, base: Path, project: Path) -> tuple[str, str, str]:
    shutil.rmtree(project)
    shutil.copytree(base, project, symlinks=True)
    if case.trained:
        shutil.rmtree(project / ".dvc/cache")
        shutil.rmtree(project / ".deepfuse/cache")
        shutil.copytree(base.parent / "cache", project, dirs_exist_ok=True)
    (project.parent / "log").write_text("")
    case.arrange(project)
    codes = case.run(project) if case.run else [flow(project).wait()]
    wrong = [] if set(codes) == {case.code} else [f"expected exit status {case.code}"]
    wrong += check(project)
    again = flow(project).wait()
    wrong += [f"the next run ended with {again}"] if again else []
    wrong += check(project, champion=case.champion)
    return case.name, "/".join(map(str, codes)), "; ".join(wrong) or "ok"


def main() -> None:
    """Run the cases and print a table; the exit status is the number of those that failed."""
    chosen = [case for case in cases() if not sys.argv[1:] or any(word in case.name for word in sys.argv[1:])]
    folder = Path(tempfile.mkdtemp(prefix="deepfuse-faults-"))
    project, base = folder / "project", folder / "base"
    os.environ["PREFECT_HOME"] = str(folder / "prefect")
    folder.joinpath("server").mkdir()
    with background(["prefect", "server", "start", "--port", str(PREFECT_PORT)], folder / "server"):
        os.environ["PREFECT_API_URL"] = f"http://127.0.0.1:{PREFECT_PORT}/api"
        wait_for(f"http://127.0.0.1:{PREFECT_PORT}/api/health")
        make_base(project)
        shutil.copytree(project, base, symlinks=True)
        if any(case.trained for case in chosen):
            make_trained(base, project)
        failed = 0
        print(f"| {'fault':44} | exit | nothing lost, champion loads, one version a model | s |\n|---|---|---|---|")
        for case in chosen:
            start = time.monotonic()
            name, codes, result = run(case, base, project)
            failed += result != "ok"
            print(f"| {name:44} | {codes} | {result} | {time.monotonic() - start:.0f} |", flush=True)
            if result != "ok":
                shutil.copy(folder / "log", folder / f"{name}.log".replace(" ", "_"))
    print(f"{len(chosen) - failed} of {len(chosen)} hold" + (f"; logs in {folder}" if failed else ""))
    if not failed:
        shutil.rmtree(folder)
    sys.exit(failed)


def victim() -> None:
    """Be the run that is killed or limited."""
    from flows.retrain import retrain

    if sys.argv[1] == "--die":
        from points import POINTS

        POINTS[sys.argv[2]]()
    else:
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
    retrain()


if __name__ == "__main__":
    victim() if sys.argv[1:2] in (["--die"], ["--limit"]) else main()
