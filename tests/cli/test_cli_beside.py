"""Frames are prepared in a process beside the command's own: what it returns, what it raises, and that it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support.projects import ROOT

from deepfuse.cli.beside import possible
from deepfuse.photo import write_photo

pytestmark = pytest.mark.skipif(not possible(), reason="the system has no memory without a name")

ASK = """
import json, os, sys
from deepfuse.cli.beside import Beside
class Odd(Exception):
    def __init__(self, one, other):
        super().__init__(one)
def arrays():
    import numpy
    whole = numpy.arange(60, dtype=numpy.uint8).reshape(5, 4, 3)
    part = whole[1:4, :3]
    most = numpy.arange(60, dtype=numpy.uint16).reshape(5, 4, 3)[:, 1:]
    return {"whole": whole, "part": part, "again": part, "most": most, "pid": os.getpid()}
def refused():
    from deepfuse.alignment import AlignmentError
    raise AlignmentError("no", unplaced=(7,))
def odd():
    raise Odd("no", 1)
beside = Beside()
"""
FOUND = """
found = beside.submit(arrays).result()
part = found["part"]
part += 1  # the caller may write
most = found["most"]
most += 1
print(json.dumps([part.tolist(), found["whole"].sum().item(), part is found["again"], found["pid"] != os.getpid()]))
print(json.dumps([most.tolist(), most.base.size]))
"""
RAISED = """
try:
    beside.submit({work}).result()
except Exception as error:
    print(type(error).__name__, error, getattr(error, "unplaced", None), "line" in error.__notes__[0])
"""
USED = """
import os, sys
import deepfuse.job.prepare as job
prepare = job.prepare
def told(*arguments):
    print(os.getpid(), "torch" in sys.modules, file=sys.stderr)
    return prepare(*arguments)
job.prepare = told
from deepfuse.cli import fuse
fuse_here = fuse._fuse
def fusing(*arguments):
    print(os.getpid(), "torch" in sys.modules, file=sys.stderr)
    return fuse_here(*arguments)
fuse._fuse = fusing
from deepfuse.cli.__main__ import run
run()
"""


UNASKED = """
import os, time
import deepfuse.job.prepare  # so that it has nothing left to do but to wait
from deepfuse.cli.beside import Beside
exit_at_once = os._exit
def exit_late(code):
    time.sleep(0.5)  # as where the thread that hears of the end has to wait for its turn
    exit_at_once(code)
os._exit = exit_late
beside = Beside()
beside._call.close()
os.waitpid(beside._child, 0)
"""


def run(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)


def test_arrays_come_whole_and_may_be_written() -> None:
    done = run(ASK + FOUND)
    assert done.returncode == 0, done.stderr
    part = np.arange(60, dtype=np.uint8).reshape(5, 4, 3)[1:4, :3] + 1
    most = np.arange(60, dtype=np.uint16).reshape(5, 4, 3)[:, 1:] + 1
    first, second = map(json.loads, done.stdout.splitlines())
    assert first == [part.tolist(), sum(range(60)), True, True]
    assert second == [most.tolist(), 60]  # with all of its array, which was not copied


@pytest.mark.parametrize(
    ("work", "told"), [("refused", "AlignmentError no (7,) True\n"), ("odd", "RuntimeError Odd: no None True\n")]
)
def test_an_error_is_raised_where_the_result_is_asked_for(work: str, told: str) -> None:
    assert run(ASK + RAISED.format(work=work)).stdout == told


def test_the_command_loads_torch_while_another_process_prepares(tmp_path: Path) -> None:
    paths = [str(tmp_path / name) for name in ("dark.png", "bright.png")]
    for path, level in zip(paths, (60, 180), strict=True):
        write_photo(path, np.full((16, 16, 3), level, np.uint8))
    done = run(USED, "fuse", *paths, "--no-align", "-o", str(tmp_path / "out.png"))
    assert done.returncode == 0, done.stderr
    first, second = (line.split() for line in done.stderr.splitlines())
    assert first[0] != second[0]
    assert (first[1], second[1]) == ("False", "False")


def test_a_process_that_nobody_asked_ends_without_a_word() -> None:
    assert run(UNASKED).stderr == ""
