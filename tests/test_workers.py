"""Workers that crash, hang, eat memory or lose their parent; none may take the run or its neighbours with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from deepfuse.errors import DeepfuseError
from deepfuse.manifest import Scene
from deepfuse.workers import JOBS, available_memory, run_scenes, worker_count


@dataclass(frozen=True)
class Job:
    scene: str
    act: str = "work"


def work(job: Job) -> Scene:
    if job.act == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if job.act == "exit":
        os._exit(3)
    if job.act == "hang":
        time.sleep(60)
    if job.act == "eat":
        bytearray(3 * 10**9)
    if job.act == "fault":
        raise RuntimeError("a fault of the program")
    return Scene(job.scene, reason=f"{job.act} {os.environ['OMP_NUM_THREADS']}")


def refused(job: Job, why: str) -> Scene:
    return Scene(job.scene, reason=f"{job.scene}.dng: {why}")


def run(*jobs: Job, processes: int = 2) -> list[str]:
    scenes = run_scenes(jobs, work, refuse=refused, jobs=processes, memory_gb=2.0, seconds=lambda _: 4.0)
    return [scene.reason or "" for scene in scenes]


@pytest.mark.skipif(available_memory() < 2.5e9, reason="needs 2 GB")
def test_grief_is_the_scenes_own_and_has_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    acts = ("work", "crash", "work", "hang", "eat", "exit", "work")
    got = run(*(Job(f"s{index}", act) for index, act in enumerate(acts)))
    assert got == [
        "work 1",
        "s1.dng: the process that read them crashed (SIGSEGV)",
        "work 1",
        "s3.dng: took longer than 4 s",
        "s4.dng: needed more than 2.0 GB of memory",
        "s5.dng: the process that read them crashed (exit code 3)",
        "work 1",
    ]


def test_a_fault_of_the_program_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    with pytest.raises(RuntimeError, match="a fault of the program"):
        run(Job("a", "fault"), Job("b"), processes=1)
    assert "OMP_NUM_THREADS" not in os.environ


def test_the_number_of_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(JOBS, raising=False)
    assert worker_count(1, 1.0) == 1
    assert worker_count(10_000, 1.0) == len(os.sched_getaffinity(0))
    assert worker_count(10_000, 1e18) == 1
    monkeypatch.setenv(JOBS, "7")
    assert worker_count(1, 1e18) == 7
    monkeypatch.setenv(JOBS, "many")
    with pytest.raises(DeepfuseError, match="DEEPFUSE_JOBS: expected a whole number of 1 or more, got 'many'"):
        worker_count(1, 1.0)


def alive(group: int) -> list[int]:
    """The processes of a process group that have not ended."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_no_worker_outlives_the_run(number: signal.Signals) -> None:
    code = (
        "import test_workers as t\n"
        "if __name__ == '__main__':\n"
        "    jobs = [t.Job(str(i), 'hang') for i in range(9)]\n"
        "    list(t.run_scenes(jobs, t.work, refuse=t.refused, jobs=2))\n"
    )
    script = [sys.executable, "-c", code]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    process = subprocess.Popen(script, env=environment, start_new_session=True, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while len(alive(process.pid)) < 3 and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(1)
    os.kill(process.pid, number)
    assert process.wait(30) != 0
    while (left := alive(process.pid)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert left == []
