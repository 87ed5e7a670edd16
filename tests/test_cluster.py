"""Scenes on a Dask cluster: what this machine makes of them, and the same costs of those that crash, hang or swell."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import psutil
import pytest
from distributed import KilledWorker, LocalCluster
from support.batches import job
from support.jobs import Job, refused, work
from support.projects import ROOT, TINY, add_scene, set_params

from deepfuse import batch, cluster, errand
from deepfuse.engine import CLUSTER, each_scene
from deepfuse.errors import DeepfuseError
from deepfuse.model import SHIPPED, weights_sha256
from deepfuse.stages import align, ingest
from deepfuse.workers import available_memory


def run(address: str, *jobs: Job) -> list[str]:
    return list(each_scene(jobs, work, refuse=refused, memory_gb=2.0, seconds=lambda job: 2.0, cluster=address))


@pytest.fixture(scope="module")
def dask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCluster]:
    """Two workers of one thread under nannies, in processes of their own."""
    with LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        dashboard_address=":0",
        local_directory=str(tmp_path_factory.mktemp("dask")),
        silence_logs=True,
    ) as made:
        yield made


@pytest.fixture
def address(dask: LocalCluster, workplace: Path) -> str:
    return str(dask.scheduler_address)


@pytest.mark.skipif(available_memory() < 2.5e9, reason="needs 2 GB")
def test_a_scenes_failure_is_its_own_and_has_its_reason(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEEPFUSE_TEST", "set")
    acts = ("slow", "work", "crash", "hang", "eat", "exit", "work")
    got = run(address, *(Job(f"s{index}", act, tmp_path / "pid") for index, act in enumerate(acts)))
    assert got == [
        f"slow {tmp_path} 1 set",
        f"work {tmp_path} 1 set",
        "s2.dng: the process that read them crashed (SIGSEGV)",
        "s3.dng: took longer than 2 s",
        "s4.dng: needed more than 2.0 GB of memory",
        "s5.dng: the process that read them crashed (exit code 3)",
        f"work {tmp_path} 1 set",
    ]
    assert list((tmp_path / ".deepfuse").iterdir()) == [], "the run left its mark"


def test_a_fault_of_the_program_ends_the_run_and_says_where_it_was(address: str) -> None:
    with pytest.raises(LookupError, match="a fault of the program") as caught:
        run(address, Job("a", "fault"), Job("b"))
    assert "raise LookupError" in "".join(caught.value.__notes__)


def test_each_run_has_processes_of_its_own_and_keeps_them(address: str) -> None:
    first, second = (set(run(address, *[Job(str(index), "who") for index in range(6)])) for _ in range(2))
    assert 1 <= len(first) <= 2
    assert not first & second


def test_what_is_large_passes_no_scheduler(address: str) -> None:
    with pytest.raises(ValueError, match=r"result: expected at most 262144 bytes .*, got 3000\d\d: pass paths"):
        run(address, Job("a", "large"))
    with pytest.raises(ValueError, match="task: expected at most"):
        run(address, Job("x" * errand.LARGEST))


def test_a_worker_that_is_killed_costs_its_scene_time_alone(address: str, tmp_path: Path) -> None:
    jobs = [Job(str(index), "kill" if index == 1 else "work", tmp_path / "killed") for index in range(6)]
    assert [one.split()[0] for one in run(address, *jobs)] == ["work", "kill", *["work"] * 4]
    assert (tmp_path / "killed").exists()


def test_a_scene_that_takes_every_worker_with_it_is_refused() -> None:
    killed = KilledWorker(task="a", last_worker=None, allowed_failures=3)  # type: ignore[arg-type]
    got = cluster._result("tcp://x:1", Job("a"), killed, refused)
    assert got == "a.dng: 4 workers ended while they had it"


def test_the_scheduler_knows_few_scenes_at_a_time(
    dask: LocalCluster, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "WINDOW", 4)
    known = []
    for got in each_scene([Job(str(index)) for index in range(30)], work, refuse=refused, cluster=address):
        known.append(len(dask.scheduler.tasks))
        assert got.startswith("work")
    assert len(known) == 30
    assert max(known) <= 8


def test_what_a_killed_run_was_at_ends_with_it(address: str, tmp_path: Path) -> None:
    code = (
        "import sys, pathlib, support.jobs as jobs; from deepfuse.engine import each_scene\n"
        "job = jobs.Job('a', 'hang', pathlib.Path(sys.argv[2]))\n"
        "list(each_scene([job], jobs.work, refuse=jobs.refused, cluster=sys.argv[1]))\n"
    )
    script = [sys.executable, "-c", code, address, str(tmp_path / "pid")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    client = subprocess.Popen(script, env=environment, cwd=tmp_path, stderr=subprocess.DEVNULL)
    scene = waited_for(tmp_path / "pid")
    client.kill()
    client.wait()
    deadline = time.monotonic() + 60
    while psutil.pid_exists(scene) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not psutil.pid_exists(scene)


def waited_for(file: Path) -> int:
    """The number that another process writes into a file."""
    deadline = time.monotonic() + 60
    while not (file.exists() and file.read_text()):
        assert time.monotonic() < deadline, f"no {file.name}"
        time.sleep(0.05)
    return int(file.read_text())


def test_a_scheduler_that_goes_away_ends_the_run(workplace: Path, caplog: pytest.LogCaptureFixture) -> None:
    with LocalCluster(n_workers=0, dashboard_address=":0", silence_logs=True) as short:
        results = each_scene([Job("a")], work, refuse=refused, cluster=short.scheduler_address)
        closer = threading.Thread(target=close_when_at_work, args=(short,))
        closer.start()
        with pytest.raises(DeepfuseError, match="the scheduler went away; what is done is kept"):
            list(results)
        closer.join()
    assert "no worker is there yet" in caplog.text


def close_when_at_work(dask: LocalCluster) -> None:
    deadline = time.monotonic() + 60
    while not dask.scheduler.tasks and time.monotonic() < deadline:
        time.sleep(0.05)
    dask.close()


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("tcp://127.0.0.1:9", "tcp://127.0.0.1:9: expected a Dask scheduler, got no answer in 0.5 s"),
        ("somewhere", "expected an address such as tcp://HOST:8786, got 'somewhere'"),
    ],
)
def test_a_cluster_that_is_not_there_is_named(
    address: str, said: str, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "CONNECT_S", 0.5)
    with pytest.raises(DeepfuseError, match=said):
        run(address, Job("a"))


def test_dask_is_needed_by_none_but_its_users(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['distributed'] = None\n"
        "from deepfuse.engine import each_scene\n"
        "print(*each_scene([-1], abs, refuse=max))\n"
        "print(*each_scene([-1], abs, refuse=max, cluster='tcp://127.0.0.1:9'))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout == "1\n"
    assert "expected Dask, which is not installed: pip install 'deepfuse[cluster]'" in done.stderr


def test_a_worker_with_other_libraries_is_refused(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    here = errand.versions()
    monkeypatch.setattr(errand, "versions", lambda: here | {"torch": "9.9"})
    said = rf"worker tcp://.*: expected what the run has, torch 9\.9, got torch {here['torch']}"
    with pytest.raises(DeepfuseError, match=said.replace("+", r"\+")):
        run(address, Job("a"))


@pytest.mark.parametrize("named", [True, False])
def test_a_batch_takes_its_model_to_where_all_machines_look(
    named: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, Any] = {}

    def each_scene(todo: Sequence[Any], *_: object, **options: Any) -> Iterator[None]:
        given.update(options, model=todo[0].model)
        return iter(())

    monkeypatch.setattr(import_module("deepfuse.batch.run"), "each_scene", each_scene)
    monkeypatch.delenv(CLUSTER, raising=False)
    address = "tcp://127.0.0.1:9" if named else None
    list(batch.run(batch.Batch((job(tmp_path),), (), (), ()), batch.Pace(1, 60, address)))
    beside = tmp_path / "out/.deepfuse/model"
    assert given["cluster"] == address
    assert given["model"] == (beside if named else SHIPPED)
    assert given["out"] == (tmp_path / "out" if named else Path())
    assert not named or weights_sha256(beside) == weights_sha256(SHIPPED)


def frames_of(project: Path) -> dict[str, bytes]:
    """What the stages `ingest` and `align` write in a folder, of a good bracket and a damaged one."""
    ingest.main()
    align.main()
    return {file.relative_to(project).as_posix(): file.read_bytes() for file in project.glob("data/**/*.*")}


def test_the_stages_write_the_same_bytes(dask: LocalCluster, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(ROOT / "params.yaml", workplace)
    set_params(workplace, TINY)
    add_scene(workplace, "attic", 0)
    for path in add_scene(workplace, "barn", 1).iterdir():
        path.write_bytes(path.read_bytes()[:-2000])
    monkeypatch.setenv(CLUSTER, dask.scheduler_address)
    there = frames_of(workplace)
    shutil.rmtree(workplace / "data")
    shutil.rmtree(workplace / ".deepfuse")
    monkeypatch.delenv(CLUSTER)
    for stage in (ingest, align):
        monkeypatch.setattr(stage, "each_scene", lambda tasks, do, **_: map(do, tasks))
    assert frames_of(workplace) == there
    assert {"data/aligned/attic.tif", "data/aligned/manifest.json"} <= there.keys()
    assert b"barn" in there["data/aligned/manifest.json"]
