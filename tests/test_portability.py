"""From files to a picture without what Linux alone has, as far as that can be shown on Linux."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from support.batches import shoot
from support.projects import ROOT

from deepfuse.photo import read_photo

# Every process of the command imports it first, and says so.
ELSEWHERE = """
import os, pathlib, sys
import psutil  # its part for Linux needs what its parts for other systems do not
for module in ("fcntl", "resource"):
    sys.modules[module] = None
for name in ("sched_getaffinity", "sched_setaffinity", "killpg", "setsid"):
    delattr(os, name)
opened = pathlib.Path.open
def refuse(path, *arguments, **options):
    if path.parts[:2] == ("/", "proc"):
        raise FileNotFoundError(path)
    return opened(path, *arguments, **options)
pathlib.Path.open = refuse
print("elsewhere", file=sys.stderr)
"""


def run_elsewhere(folder: Path, *arguments: str) -> str:
    """What the command says where `fcntl`, `resource` and more are missing; it must succeed."""
    (folder / "sitecustomize.py").write_text(ELSEWHERE)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])}
    command = [sys.executable, "-m", "deepfuse.cli", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_fuse_and_batch_need_nothing_of_linux(tmp_path: Path) -> None:
    files = shoot(tmp_path / "in" / "barn", 1)[:2]
    out = tmp_path / "fused.png"
    assert run_elsewhere(tmp_path, "fuse", *map(str, files), "-o", str(out)).count("elsewhere") == 1
    assert read_photo(out).shape == (120, 160, 3)
    files[1].with_name("2.png").unlink()
    folder = tmp_path / "out"
    said = run_elsewhere(tmp_path, "batch", str(tmp_path / "in"), "-o", str(folder), "--jobs", "1", "--format", "png")
    assert said.count("elsewhere") > 1, "the worker is elsewhere too"
    assert np.array_equal(read_photo(folder / "barn.png"), read_photo(out))
