"""One process that stays: what crashes, hangs or swells it costs one call, and it does not outlive its caller."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from support.projects import ROOT

from deepfuse.resident import Resident, ResidentError
from deepfuse.workers import available_memory, limit_memory


class OddError(Exception):
    """One that cannot be read again: it wants two arguments and keeps one."""

    def __init__(self, one: str, other: str) -> None:
        super().__init__(one)


def crash() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def leave() -> None:
    os._exit(3)


def eat(count: int) -> int:
    return len(bytearray(count))


def odd() -> None:
    raise OddError("an odd one", "")


@pytest.fixture
def worker() -> Iterator[Resident]:
    worker = Resident(memory_gb=1, seconds=20)
    yield worker
    worker.close()


def test_calls_are_answered_by_one_other_process(worker: Resident, capfd: pytest.CaptureFixture[str]) -> None:
    first = worker.ask(os.getpid)
    assert first != os.getpid()
    assert worker.ask(print, "libraries print") is None
    assert worker.ask(os.getpid) == first
    assert capfd.readouterr() == ("", "")


def test_a_crash_costs_one_call(worker: Resident) -> None:
    with pytest.raises(ResidentError, match=r"the process that read it crashed \(SIGSEGV\)"):
        worker.ask(crash)
    with pytest.raises(ResidentError, match=r"crashed \(exit code 3\)"):
        worker.ask(leave)
    assert worker.ask(max, 1, 2) == 2


@pytest.mark.skipif(available_memory() < 1.5e9 or sys.platform != "linux", reason="needs 1 GB and its limit")
def test_want_of_memory_costs_one_call(worker: Resident) -> None:
    for _ in range(2):
        with pytest.raises(ResidentError, match=r"needed more than 1\.0 GB of memory"):
            worker.ask(eat, 2 * 10**9)
        assert worker.ask(eat, 5 * 10**8) == 5 * 10**8


def test_a_hang_costs_one_call() -> None:
    worker = Resident(memory_gb=1, seconds=2)
    started = time.monotonic()
    with pytest.raises(ResidentError, match="took longer than 2 s"):
        worker.ask(time.sleep, 60)
    assert time.monotonic() - started < 20
    assert worker.ask(max, 1, 2) == 2
    worker.close()


def test_what_a_call_raises_is_raised_here(worker: Resident) -> None:
    with pytest.raises(ZeroDivisionError):
        worker.ask(divmod, 1, 0)
    with pytest.raises(RuntimeError, match="OddError: an odd one"):
        worker.ask(odd)


def limit_of_a_worker_in_a_worker() -> int:
    limit_memory(3 * 10**9)
    worker = Resident(memory_gb=8, seconds=20)
    soft, _ = worker.ask(resource.getrlimit, resource.RLIMIT_DATA)
    worker.close()
    return soft


def test_a_worker_in_a_worker_keeps_the_limit_of_both() -> None:
    worker = Resident(memory_gb=8, seconds=60)
    assert worker.ask(limit_of_a_worker_in_a_worker) <= 3 * 10**9
    worker.close()


CALLER = """
import os, sys, time
from deepfuse.resident import Resident
worker = Resident(memory_gb=1, seconds=600)  # in a module that a pool of processes could not run again
print(worker.ask(os.getpid), flush=True)
worker.ask(time.sleep, 600)
"""


def test_it_ends_with_its_caller_also_in_the_middle_of_a_call(tmp_path: Path) -> None:
    (tmp_path / "caller.py").write_text(CALLER)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    caller = subprocess.Popen([sys.executable, tmp_path / "caller.py"], stdout=subprocess.PIPE, env=environment)
    assert caller.stdout
    worker = int(caller.stdout.readline())
    assert psutil.pid_exists(worker)
    time.sleep(0.5)
    caller.kill()
    caller.wait()
    deadline = time.monotonic() + 20
    while psutil.pid_exists(worker) and psutil.Process(worker).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline, "the worker outlived its caller"
        time.sleep(0.05)
