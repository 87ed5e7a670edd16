"""A decoder that crashes ends a command in words and its exit code; signals reach its work, and none is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from support.projects import ROOT

from deepfuse.cli import guard
from deepfuse.cli.ending import interrupted_by_sigterm
from deepfuse.photo import Limits, isolated, read_photo, write_photo

pytestmark = pytest.mark.skipif(not hasattr(signal, "sigwaitinfo"), reason="the system has no sigwaitinfo")

PROGRAM = """
import os, signal, sys, time
from deepfuse.cli.__main__ import run
from deepfuse.job import prepare
def instead(*arguments, **named):
    print(os.getpid(), flush=True)
    {act}
prepare.prepare = instead
run()
"""


@pytest.fixture
def photos(tmp_path: Path) -> list[str]:
    paths = [tmp_path / "dark.png", tmp_path / "bright.png"]
    for path, level in zip(paths, (60, 180), strict=True):
        write_photo(path, np.full((8, 8, 3), level, np.uint8))
    return [str(path) for path in paths]


def started(act: str, photos: list[str], out: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PROGRAM.format(act=act), "fuse", *photos, "-o", str(out / "out.png")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, text=True)


@pytest.fixture
def waiting(tmp_path: Path, photos: list[str]) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A command whose work takes long, and the process that does it."""
    process = started("time.sleep(600)", photos, tmp_path)
    assert process.stdout
    yield process, int(process.stdout.readline())
    process.kill()
    process.communicate()


def gone(number: int) -> bool:
    deadline = time.monotonic() + 30
    while psutil.pid_exists(number) and psutil.Process(number).status() != psutil.STATUS_ZOMBIE:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def crash_on_bright(path: Path, limits: Limits) -> None:
    if path.name == "bright.png":
        os.kill(os.getpid(), signal.SIGSEGV)
    read_photo(path, limits=limits)


def test_a_crash_is_said_in_words(tmp_path: Path, photos: list[str]) -> None:
    process = started("os.kill(os.getpid(), signal.SIGSEGV)", photos, tmp_path)
    _, said = process.communicate(timeout=120)
    assert (process.returncode, said) == (
        4,
        "deepfuse: the process crashed (SIGSEGV); each of its files alone can be read\n",
    )


def test_the_file_that_crashes_its_decoder_is_named(
    photos: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(isolated, "_decode", crash_on_bright)
    assert guard._explained(signal.SIGSEGV, ["fuse", *photos, "-o", "out.png"]) == 4
    assert capsys.readouterr().err == f"deepfuse: {photos[1]}: the process that read it crashed (SIGSEGV)\n"
    assert guard._explained(signal.SIGKILL, ["fuse", *photos]) == 7
    assert "for want of memory" in capsys.readouterr().err


def test_a_crash_within_a_limit_of_memory_is_one_of_memory(
    photos: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(guard, "most_addresses", lambda: 0.9e9)
    assert guard._explained(signal.SIGABRT, ["fuse", *photos]) == 7
    assert "(SIGABRT), most likely for want of memory: it has a limit of 0.9 GB" in capsys.readouterr().err
    monkeypatch.setattr(isolated, "_decode", crash_on_bright)
    assert guard._explained(signal.SIGSEGV, ["fuse", *photos]) == 4


def test_an_interrupt_sent_to_the_command_alone_reaches_its_work(waiting: tuple[subprocess.Popen[str], int]) -> None:
    process, child = waiting
    assert child != process.pid
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    assert gone(child)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_command_that_is_ended_takes_its_work_along(
    waiting: tuple[subprocess.Popen[str], int], number: signal.Signals
) -> None:
    process, child = waiting
    process.send_signal(number)
    assert process.wait(60) == -number
    assert gone(child)


@pytest.mark.parametrize("before", ["", "signal.signal(signal.SIGINT, signal.SIG_DFL); "])
def test_an_interrupt_before_the_command_begins_is_told_as_one(before: str) -> None:
    code = (
        "import os, signal, sys; from deepfuse.cli import __main__ as program\n"
        "sys.argv = ['deepfuse', 'fuse', 'a', 'b']\n"
        f"def interrupted(): {before}os.kill(os.getpid(), signal.SIGINT)\n"
        "from deepfuse import quiet; quiet.quiet_libraries = interrupted; program.run()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (130, "deepfuse: interrupted\n")


def test_sigterm_interrupts_what_is_to_end_in_order() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), interrupted_by_sigterm():
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is before
