"""The process belongs to the program: what the package leaves as it was, and how the command leaves its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from deepfuse.photo import write_photo

STATE = """
import json, logging, multiprocessing, os, signal, sys, warnings

def state():
    loggers = {"": logging.root, **logging.root.manager.loggerDict}
    return {
        "environ": dict(os.environ),
        "signals": {str(number): str(signal.getsignal(number)) for number in signal.valid_signals()},
        "logging": {name: logger.level for name, logger in loggers.items() if getattr(logger, "level", 0)},
        "disabled": logging.root.manager.disable,
        "handlers": [str(handler) for handler in logging.root.handlers],
        "warnings": [str(one) for one in warnings.filters],
        "start method": multiprocessing.get_start_method(),
        "sys.path": list(sys.path),
        "folder": os.getcwd(),
    }

before = state()
"""
# What heavy libraries do to the process when they are imported is theirs.
LIBRARIES = "import cv2, numpy, torch, PIL.Image, rawpy, tifffile, imagecodecs, pebble, safetensors, tqdm\n"
USES = """
import deepfuse
from deepfuse.cli import main
frames = [deepfuse.read_photo(path) for path in sys.argv[1:3]]
fused = deepfuse.fuse(frames, model=deepfuse.load_model())
deepfuse.mef_ssim(frames, fused)
assert main(["fuse", *sys.argv[1:], "--force", "--no-align"]) == 0
assert main(["batch", os.path.dirname(sys.argv[1]), "-o", sys.argv[-1] + ".d", "--jobs", "1", "--no-align"]) == 0
"""
PRINT = """
after = state()
def apart(one, other):
    return {k: v for k, v in one.items() if k not in other or other[k] != v} if isinstance(one, dict) else one
names = [name for name in before if before[name] != after[name]]
print(json.dumps({name: [apart(before[name], after[name]), apart(after[name], before[name])] for name in names}))
"""


@pytest.fixture
def pair(tmp_path: Path) -> list[str]:
    """Two PNGs."""
    (tmp_path / "pair").mkdir()
    paths = [tmp_path / "pair" / f"{level}.png" for level in (60, 180)]
    for path in paths:
        write_photo(path, np.full((48, 48, 3), int(path.stem), np.uint8))
    return [str(path) for path in paths]


def test_the_package_and_its_command_leave_the_process_as_it_was(tmp_path: Path, pair: list[str]) -> None:
    code = LIBRARIES + STATE + USES + PRINT
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "MLFLOW_"))}
    command = [sys.executable, "-c", code, *pair, "-o", str(tmp_path / "out.png")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {}


# As coverage and profilers do: registered before the program starts.
AT_EXIT = """
import atexit, sys, time
atexit.register(lambda: print("the end", file=sys.stderr))
import deepfuse.job.prepare as job
def sleep(*_):
    time.sleep(60)
if {slow}:
    job.prepare = sleep
from deepfuse.cli.__main__ import run
try:
    run()
except SystemExit as stop:
    print("left with", stop.code, file=sys.stderr)
    raise
"""


def test_exit_handlers_and_profilers_see_the_end_of_the_command(tmp_path: Path, pair: list[str]) -> None:
    command = [sys.executable, "-c", AT_EXIT.format(slow=False), "fuse", *pair, "--no-align", "-o"]
    done = subprocess.run([*command, str(tmp_path / "out.png")], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "left with 0\nthe end\n")
    done = subprocess.run([*command, pair[0]], capture_output=True, text=True)
    assert done.returncode == 4
    assert done.stderr.endswith("left with 4\nthe end\n")


LEFT = """
import atexit, cProfile, sys, weakref
atexit.register(lambda: print("the end", file=sys.stderr))
class Module:
    def __del__(self):
        print("taken apart", file=sys.stderr)
sys.modules["kept"] = Module()
from deepfuse.cli.__main__ import program
profile = cProfile.Profile()
{begin}
program()
"""


def test_the_program_takes_no_modules_apart_but_for_profilers(
    tmp_path: Path, pair: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)  # it would look on, too
    for begin, told in (("", "the end\n"), ("profile.enable()", "the end\ntaken apart\n")):
        out = tmp_path / f"out{len(begin)}.png"
        command = [sys.executable, "-c", LEFT.format(begin=begin), "fuse", *pair, "--no-align", "-o", str(out)]
        done = subprocess.run(command, capture_output=True, text=True)
        assert (done.returncode, done.stderr, out.exists()) == (0, told, True)
        assert done.stdout.startswith(str(out))


def test_the_command_does_not_wait_for_frames_that_nobody_wants(tmp_path: Path, pair: list[str]) -> None:
    code = AT_EXIT.format(slow=True)
    command = [sys.executable, "-c", code, "fuse", *pair, "-o", str(tmp_path / "out.png"), "--model", str(tmp_path)]
    begin = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert time.monotonic() - begin < 55
    assert done.returncode == 5
    assert "model.safetensors" in done.stderr
    assert done.stderr.endswith("the end\n")
