"""What the next run finds after a run that was killed, or beside one that lives."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from flows import killed, pipeline
from flows.lock import HOLDER, UNFINISHED, is_running, is_unfinished, marked, only_run

HOLD = "from flows.lock import marked, only_run\nwith only_run(), marked(): print('held', flush=True); input()"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def held_elsewhere() -> subprocess.Popen[str]:
    path = {"PYTHONPATH": str(Path(pipeline.__file__).parents[1])}
    command = [sys.executable, "-c", HOLD]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, env={**os.environ, **path}, stdin=pipe, stdout=pipe, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_run_waits_for_the_first_and_for_no_dead_one(folder: Path) -> None:
    process = held_elsewhere()
    assert is_running()
    assert HOLDER.read_text().strip() == str(process.pid)
    process.kill()
    process.wait()
    assert not is_running()
    with only_run():
        assert HOLDER.read_text().strip() == str(os.getpid())


def test_the_second_run_says_whom_it_waits_for_and_goes_on_when_that_ends(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    process = held_elsewhere()
    subprocess.Popen(["sh", "-c", f"sleep 0.5; kill {process.pid}"])
    with caplog.at_level("INFO", logger="flows"), only_run():
        assert process.wait() != 0
    assert f"(process {process.pid})" in caplog.text


def test_a_run_that_did_not_come_to_its_end_leaves_a_mark_until_one_does(folder: Path) -> None:
    assert not is_unfinished()
    process = held_elsewhere()
    assert UNFINISHED.exists()
    assert not is_unfinished()  # it runs
    process.kill()
    process.wait()
    assert is_unfinished()
    with only_run():
        pass
    assert is_unfinished(), "who tidies or backs up meanwhile has not finished it"
    with only_run(), marked():
        pass
    assert not is_unfinished()
    with pytest.raises(RuntimeError), only_run(), marked():
        raise RuntimeError
    assert is_unfinished()


def sleeper(mark: str) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(["sleep", "600"], env={**os.environ, killed.MARK: mark})
    while killed.MARK not in psutil.Process(process.pid).environ():
        time.sleep(0.01)  # until the new program has its environment
    return process


def test_what_a_killed_run_left_running_is_ended_here_alone(folder: Path) -> None:
    ours, others = sleeper(str(folder)), sleeper("/elsewhere")
    try:
        killed.recover()
        assert ours.wait() == -9
        assert others.poll() is None
    finally:
        others.kill()
        others.wait()


def lock_of(pid: int) -> str:
    return json.dumps({"write": {"data/frames": {"pid": pid, "cmd": "dvc repro"}}, "read": {}})


@pytest.mark.parametrize("text", ['{"write": {', lock_of(1), "[]"])
def test_a_lock_of_dvc_without_a_living_dvc_is_dropped(folder: Path, text: str) -> None:
    lock = folder / ".dvc/tmp/rwlock"
    lock.parent.mkdir(parents=True)
    lock.write_text(text)
    killed.recover()
    assert not lock.exists()


def test_the_lock_of_a_living_dvc_stays(folder: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()", "dvc"], stdin=subprocess.PIPE)
    lock = folder / ".dvc/tmp/rwlock"
    lock.parent.mkdir(parents=True)
    lock.write_text(lock_of(process.pid))
    try:
        killed.recover()
        assert lock.exists()
    finally:
        process.kill()
        process.wait()


def test_a_cancelled_command_leaves_no_process(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def cancel(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(pipeline, "log", cancel)
    with pytest.raises(KeyboardInterrupt):
        pipeline.dvc("doctor")
    assert list(killed.started_here()) == []


def hold(lock: Path) -> subprocess.Popen[bytes]:
    """A process that passes for somebody's dvc, in DVC's lock file for all of `data/raw`."""
    process = subprocess.Popen([sys.executable, "-c", "input()", "dvc"], stdin=subprocess.PIPE)
    holder = {"pid": process.pid, "cmd": "dvc repro"}
    lock.parent.mkdir(exist_ok=True)
    lock.write_text(json.dumps({"write": {str(Path("data/raw").resolve()): holder}, "read": {}}))
    return process


@pytest.mark.usefixtures("in_checkout")
def test_a_dvc_of_somebody_is_waited_for_with_a_word_and_not_for_ever(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    process = hold(killed.RWLOCK)

    def end_it(seconds: float) -> None:
        process.kill()
        process.wait()

    monkeypatch.setattr(pipeline, "LONGEST_WAIT_S", -1)
    with pytest.raises(RuntimeError, match=r"dvc add data/raw: .*PID \d+"):
        pipeline.dvc("add", "data/raw", show=False)
    monkeypatch.setattr(pipeline, "LONGEST_WAIT_S", 600)
    monkeypatch.setattr(pipeline.time, "sleep", end_it)
    with caplog.at_level("INFO", logger="flows"):
        pipeline.dvc("add", "data/raw", show=False)
    assert f"(PID {process.pid}): dvc repro" in caplog.text
