"""Workers that crash, hang, eat memory or lose their parent; none may take the run or its neighbours with it."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from support.projects import ROOT

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
def test_a_workers_failure_is_the_scenes_own_and_has_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
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


def log(name: str) -> str:
    logging.getLogger(name).error("a file says \x1b[31mthis")
    return name


def test_what_libraries_log_in_a_worker_is_quiet_and_harmless(capfd: pytest.CaptureFixture[str]) -> None:
    assert list(run_scenes(["tifffile", "other"], log, refuse=lambda task, why: why, jobs=1)) == ["tifffile", "other"]
    assert capfd.readouterr().err == "a file says ␛[31mthis\n"


def test_a_fault_of_the_program_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    with pytest.raises(RuntimeError, match="a fault of the program"):
        run(Job("a", "fault"), Job("b"), processes=1)
    assert "OMP_NUM_THREADS" not in os.environ


def test_the_number_of_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(JOBS, raising=False)
    assert worker_count(1, 1.0) == 1
    assert worker_count(10_000, 1.0) == len(psutil.Process().cpu_affinity() or ())
    assert worker_count(10_000, 1e18) == 1
    monkeypatch.setenv(JOBS, "7")
    assert worker_count(1, 1e18) == 7
    monkeypatch.setenv(JOBS, "many")
    with pytest.raises(DeepfuseError, match="DEEPFUSE_JOBS: expected a whole number of 1 or more, got 'many'"):
        worker_count(1, 1.0)


# The parent's main module is imported in the worker too, before the worker can say how many threads it has.
THREADS = """
import json, os
import numpy, cv2, torch
from deepfuse.workers import run_scenes

def threads(task):
    from threadpoolctl import threadpool_info
    pools = {pool["num_threads"] for pool in threadpool_info()}
    return [sorted(pools), cv2.getNumThreads(), torch.get_num_threads(), os.environ["OMP_NUM_THREADS"]]

if __name__ == "__main__":
    before = dict(os.environ)
    jobs = int(os.environ["TEST_JOBS"])
    for got in run_scenes([1], threads, refuse=lambda task, why: why, jobs=jobs):
        print(json.dumps(got), dict(os.environ) == before)
    print(dict(os.environ) == before)
"""


@pytest.mark.parametrize(
    ("settings", "expected"), [({}, 1), ({"OPENBLAS_NUM_THREADS": "1"}, 1), ({"OMP_NUM_THREADS": "2"}, 2)]
)
def test_a_worker_takes_its_share_of_threads_and_the_parent_keeps_its_own(
    tmp_path: Path, settings: dict[str, str], expected: int
) -> None:
    script = tmp_path / "main.py"
    script.write_text(THREADS)
    kept = {name: value for name, value in os.environ.items() if "THREADS" not in name}
    environment = {**kept, "PYTHONPATH": str(ROOT), "TEST_JOBS": str(psutil.cpu_count()), **settings}
    done = subprocess.run([sys.executable, script], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == f'[[{expected}], 1, {expected}, "{expected}"] True\nTrue\n'


LIMIT = """
import resource
from deepfuse.workers import run_scenes

def limits(task):
    if task == "eat":
        raise MemoryError
    return resource.getrlimit(resource.RLIMIT_DATA)

if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_DATA, (2**31, 2**31))
    print(*run_scenes(["look", "eat"], limits, refuse=lambda task, why: why, jobs=1, memory_gb=8.0))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="has no such limit")
def test_a_worker_keeps_to_a_limit_that_its_starter_has(tmp_path: Path) -> None:
    script = tmp_path / "main.py"
    script.write_text(LIMIT)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, script], env=environment, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == (f"{(2**31, 2**31)} needed more than 2.1 GB of memory\n", "")


KEPT: list[bytearray] = []


def swell(task):
    """How many bytes this process holds before it fills more, and frees all but the end of it."""
    held = psutil.Process().memory_info().rss
    KEPT.append([bytearray(2**22) for _ in range(300)][-1])
    return held


def overeat(task):
    """How many bytes this process holds before it fills more, or no answer for want of memory."""
    held = psutil.Process().memory_info().rss
    planes = bytearray(2**29)
    if task == "too much":
        raise MemoryError(len(planes))
    return held


@pytest.mark.skipif(available_memory() < 2.5e9, reason="needs 2 GB")
def test_what_a_scene_held_that_lacked_memory_is_free_for_the_next() -> None:
    before, why, after = run_scenes(
        ["first", "too much", "next"], overeat, refuse=lambda task, why: why, jobs=1, memory_gb=2.0
    )
    assert why == "needed more than 2.0 GB of memory"
    assert after < before + 2**27


@pytest.mark.skipif(sys.platform != "linux", reason="the C library is another")
@pytest.mark.skipif(available_memory() < 2.5e9, reason="needs 2 GB")
def test_a_worker_gives_back_what_it_freed_between_two_scenes() -> None:
    before, after = run_scenes([1, 2], swell, refuse=refused, jobs=1)
    assert after < before + 2**27


def alive(group: int) -> list[int]:
    """The processes of a process group that have not ended."""
    found = []
    for process in psutil.process_iter():
        try:
            if os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
        except (OSError, psutil.NoSuchProcess):
            continue
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
