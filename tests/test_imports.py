"""What a stage's code is taken to be, beside what Python says it imports."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from deepfuse.imports import PACKAGE, behaviour, closure, stage_file, third_party

CODE = '''
"""A module."""
import math

class Nothing(Exception):
    """It says nothing."""

def area(radius: float) -> float:
    """The area of a disc."""
    return math.pi * radius**2  # of course
'''
LOADED = """
import json, sys
import deepfuse.stages.{stage}
print(json.dumps([module.__file__ for name, module in sys.modules.items() if name.startswith("deepfuse.")]))
"""


def behaves(folder: Path, text: str) -> str:
    file = folder / "file.py"
    file.write_text(text)
    return behaviour(file)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("  # of course", ""),
        ('"""A module."""\n', ""),
        ('"""The area of a disc."""', '"""Another text."""\n'),
        ('"""It says nothing."""', "pass"),
        ("(radius: float)", "(\n    radius: float,\n)"),
        ("\n\ndef", "\n\n\n\ndef"),
    ],
)
def test_what_changes_nothing_is_nothing(tmp_path: Path, old: str, new: str) -> None:
    assert old in CODE
    assert behaves(tmp_path, CODE.replace(old, new)) == behaves(tmp_path, CODE)


@pytest.mark.parametrize(
    ("old", "new"), [("**2", "**3"), ("radius**2", '"radius"'), ("import math", "import cmath as math")]
)
def test_what_changes_something_is_something(tmp_path: Path, old: str, new: str) -> None:
    assert behaves(tmp_path, CODE.replace(old, new)) != behaves(tmp_path, CODE)


def test_a_file_of_nothing_but_its_docstring_behaves_as_an_empty_one(tmp_path: Path) -> None:
    assert behaves(tmp_path, '"""A room."""\n') == behaves(tmp_path, "")


@pytest.mark.parametrize("stage", ["sample", "ingest", "align", "patch", "train", "evaluate"])
def test_what_python_loads_is_known(stage: str) -> None:
    command = [sys.executable, "-c", LOADED.format(stage=stage)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=PACKAGE.parent)
    loaded = {Path(name) for name in json.loads(done.stdout.splitlines()[-1])}
    assert stage_file(stage) in loaded
    assert loaded <= set(closure(stage_file(stage)))


def test_libraries_are_found_wherever_they_are_imported(tmp_path: Path) -> None:
    file = tmp_path / "file.py"
    file.write_text(
        "import os\nfrom numpy import typing\ndef late():\n    import PIL.Image\n    import deepfuse.color\n"
    )
    assert third_party([file]) == {"numpy", "PIL"}
    assert closure(file) == sorted([PACKAGE / "color.py", file])
