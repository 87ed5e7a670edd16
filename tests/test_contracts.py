"""The import contracts refuse what they are there to refuse, and name every library."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from support.projects import ROOT

from deepfuse.imports import third_party

EVERYWHERE = {"numpy"}  # arrays are what the rooms hand to each other


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A copy of the code and its contracts."""
    for name in ("deepfuse", "flows"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "weights"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [Path(sys.executable).parent / "lint-imports", "--no-cache", "--no-logo"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env={"PATH": "", "COLUMNS": "200"})


def test_the_code_keeps_its_contracts(house: Path) -> None:
    done = lint(house)
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout


@pytest.mark.parametrize(
    ("file", "line", "named"),
    [
        ("deepfuse/batch/run.py", "import mlflow", "deepfuse.batch.run -> mlflow"),
        ("deepfuse/workers.py", "import torch", "deepfuse.workers -> torch"),
        ("deepfuse/alignment/stack.py", "import rawpy", "deepfuse.alignment.stack -> rawpy"),
        ("deepfuse/fusion/tone.py", "import deepfuse.fusion.fuse", "No cycles are allowed in deepfuse.fusion."),
        ("deepfuse/stages/align.py", "import prefect", "deepfuse.stages.align -> prefect"),
        ("deepfuse/fusion/fuse.py", "import deepfuse.job.fuse", "deepfuse.fusion.fuse -> deepfuse.job.fuse"),
        ("deepfuse/metrics/windows.py", "import deepfuse.model", "deepfuse.metrics.windows -> deepfuse.model"),
        ("deepfuse/errors.py", "import flows.lock", "deepfuse.errors -> flows.lock"),
        ("flows/lock.py", "import deepfuse.stages.align", "flows.lock -> deepfuse.stages.align"),
        ("flows/pipeline.py", "import dvc", "flows.pipeline -> dvc"),
    ],
)
def test_an_import_out_of_place_is_refused_by_its_name(house: Path, file: str, line: str, named: str) -> None:
    with (house / file).open("a") as text:
        text.write(f"{line}\n")
    done = lint(house)
    assert done.returncode != 0
    assert named in " ".join(done.stdout.split())


def test_a_new_room_without_a_floor_is_refused(house: Path) -> None:
    (house / "deepfuse/attic").mkdir()
    (house / "deepfuse/attic/__init__.py").write_text("")
    done = lint(house)
    assert done.returncode != 0
    assert "deepfuse.attic" in done.stdout


def test_every_library_has_a_contract_that_says_where_it_may_be() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    named = {module for contract in contracts for module in contract.get("protected_modules", [])}
    files = [file for room in ("deepfuse", "flows") for file in (ROOT / room).rglob("*.py")]
    assert files
    used = third_party(files) - {"flows"}
    assert sorted(used - named - EVERYWHERE) == [], "add a contract that protects it to pyproject.toml"
    assert not named & EVERYWHERE
