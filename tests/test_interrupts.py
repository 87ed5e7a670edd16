"""Ctrl-C while a program loads: it ends with the code and the word that it has later on."""

from __future__ import annotations

import signal
import subprocess
import sys
import tomllib

import pytest
from support.projects import ROOT

from deepfuse.interrupts import ended_by_interrupt

# As a console script begins, and interrupted when a module is looked for.
BEGUN = """
import os, signal, sys
class Interrupting:
    def find_spec(self, name, *_):
        if name == {name!r}:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupting())
sys.argv = ["deepfuse", "--version"]
from {module} import {run}
{run}()
"""

LOST = """
import os, signal, sys, time
import deepfuse.cli as cli
from deepfuse.cli.__main__ import program
class Callback:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(1)
def main(**_):
    Callback()
    time.sleep(60)
cli.main = main
program()
"""
TWICE = """
import os, signal
import deepfuse.cli as cli
from deepfuse import exits
from deepfuse.cli.__main__ import program
say = exits.say_error
def saying(error):
    os.kill(os.getpid(), signal.SIGINT)
    say(error)
exits.say_error = saying
def main(**_):
    raise KeyboardInterrupt
cli.main = main
program()
"""


@pytest.mark.parametrize(
    ("program", "names"),
    [
        ("deepfuse", ["deepfuse.cli.commands", "deepfuse.terminal", "argparse", "deepfuse.cli.worker", "ctypes"]),
        ("deepfuse-enfuse", ["deepfuse.compat.enfuse", "deepfuse.terminal"]),
        ("deepfuse-align-image-stack", ["deepfuse.compat.align_image_stack", "argparse"]),
    ],
)
def test_a_program_that_still_loads_ends_in_a_word(program: str, names: list[str]) -> None:
    module, run = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"][program].split(":")
    for name in names:
        code = BEGUN.format(name=name, module=module, run=run)
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stderr) == (130, "deepfuse: interrupted\n"), name


def test_who_handles_interrupts_already_goes_on_to() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with ended_by_interrupt():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("code", [LOST, TWICE])
def test_an_interrupt_that_comes_at_an_odd_moment_is_said_once(code: str) -> None:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=50)
    assert (done.returncode, done.stderr) == (130, "deepfuse: interrupted\n")
