"""The script for darktable, run in Lua against a darktable that only notes what it is asked for."""

from __future__ import annotations

import shutil
import subprocess
from importlib.resources import files
from pathlib import Path

import pytest

from deepfuse.fusion.looks import descriptions

SCRIPT = Path(str(files("deepfuse") / "compat/darktable/deepfuse.lua"))
LUA = shutil.which("lua") or shutil.which("lua5.4") or shutil.which("lua5.3")


@pytest.mark.skipif(LUA is None, reason="needs Lua")
def test_it_fuses_beside_the_first_frame_and_groups_the_picture_with_it(tmp_path: Path) -> None:
    (tmp_path / "a_fused.tif").touch()
    stub = Path(__file__).parent / "darktable.lua"
    done = subprocess.run([str(LUA), stub, SCRIPT, tmp_path], capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    fusing, grouping, said = done.stdout.splitlines()
    quoted = f"'{tmp_path}/ex2.tif' '{tmp_path}/e'\\''x1.tif' -o '{tmp_path}/a_fused_01.tif'"
    assert fusing == f"'/opt/my tools/deepfuse' fuse {quoted} --look neutral"
    assert grouping == f"{tmp_path}/a_fused_01.tif with a.raw"
    assert said == "deepfuse: expected 2 or more exposures, got 1"


def test_its_looks_are_those_of_the_package() -> None:
    [line] = [line for line in SCRIPT.read_text().splitlines() if line.startswith("local LOOKS")]
    assert sorted(line.split('"')[1::2]) == sorted(descriptions())
