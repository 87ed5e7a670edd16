"""dvc.yaml, params.yaml and the code say the same things."""

from __future__ import annotations

import ast
import itertools
import re
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from support.projects import ROOT

from deepfuse.imports import LIBRARY_NAMES, closure, libraries_of, stage_file, third_party
from deepfuse.params import Libraries, Params, read_params, read_yaml
from deepfuse.stages.deps import code_deps

STAGES = read_yaml(ROOT / "dvc.yaml")["stages"]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
DEPENDENCIES = PROJECT["project"]["dependencies"]
LOCKS = FIRST, TORCH, MAIN = "requirements.first.lock", "requirements.torch.lock", "requirements.lock"
# Libraries without a say in what a stage writes, and why.
DECIDE_NOTHING = {
    "distributed": "on which machines the work is done",
    "filelock": "one process after the other",
    "pebble": "processes for the work",
    "psutil": "what processes there are, and their memory",
    "pydantic": "checks values; Python's json writes them",
    "ruamel": "reads params.yaml",
    "threadpoolctl": "how many threads work, not on what",
    "tqdm": "progress on the screen",
}


@pytest.mark.parametrize("stage", STAGES)
def test_deps_are_exactly_the_imports(stage: str) -> None:
    listed = [dep for dep in STAGES[stage]["deps"] if dep.startswith("deepfuse/")]
    assert all((ROOT / dep).exists() for dep in listed), "gone: run `make deps`"
    covered = Counter(file for dep in listed for file in files_at(ROOT / dep))
    needed = {file.relative_to(ROOT).as_posix() for file in closure(stage_file(stage))}
    assert sorted(covered.keys() - needed) == [], "in dvc.yaml but not imported: run `make deps`"
    assert sorted(needed - covered.keys()) == [], "imported but not in dvc.yaml: run `make deps`"
    assert [file for file, times in covered.items() if times > 1] == [], "listed twice: run `make deps`"
    assert sorted(listed) == code_deps(stage), "a folder would do, or files would: run `make deps`"


def files_at(path: Path) -> list[str]:
    """The file, or all that DVC sees in the folder."""
    paths = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return [file.relative_to(ROOT).as_posix() for file in paths if file.suffix != ".pyc"]


@pytest.mark.parametrize("stage", STAGES)
def test_params_are_exactly_those_the_stage_reads(stage: str) -> None:
    tree = ast.parse((ROOT / "deepfuse" / "stages" / f"{stage}.py").read_text())
    read = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in Params.model_fields and "params" in ast.unparse(node.value)
    }
    libraries = {f"libraries.{name}" for name in libraries_of(stage)}
    assert set(STAGES[stage]["params"]) == (read - {"libraries"}) | libraries, "run `make deps`"
    assert f"params.libraries.installed(*libraries_of('{stage}'))" in ast.unparse(tree), "the versions are not checked"


@pytest.mark.parametrize("stage", STAGES)
def test_every_library_of_a_stage_is_an_input_or_decides_nothing(stage: str) -> None:
    declared = {name.removeprefix("libraries.") for name in STAGES[stage]["params"]}
    used = {LIBRARY_NAMES.get(module, module) for module in third_party(closure(stage_file(stage)))}
    assert sorted(used - declared - DECIDE_NOTHING.keys()) == [], "add them to params.libraries, or say why not here"


def test_no_library_is_declared_that_no_stage_uses() -> None:
    assert set(Libraries.model_fields) == {library for stage in STAGES for library in libraries_of(stage)}


def test_the_command_writes_what_is_missing_and_changes_nothing_else(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "deepfuse", tmp_path / "deepfuse", ignore=shutil.ignore_patterns("__pycache__", "weights"))
    good = (ROOT / "dvc.yaml").read_text()
    damaged = good.replace("      - deepfuse/alignment\n", "      - deepfuse/alignment/gone.py\n")
    damaged = damaged.replace("libraries.numpy, ", "")
    assert damaged != good
    (tmp_path / "dvc.yaml").write_text(damaged)
    subprocess.run([sys.executable, "-m", "deepfuse.stages.deps"], cwd=tmp_path, check=True)
    assert (tmp_path / "dvc.yaml").read_text() == good


def test_every_stage_has_its_section_and_its_file() -> None:
    for stage in STAGES:
        assert stage in Params.model_fields
        assert STAGES[stage]["cmd"] == f"python -m deepfuse.stages.{stage}"


def test_declared_library_versions_are_the_installed_ones() -> None:
    libraries = read_params(ROOT / "params.yaml").libraries
    assert libraries.installed(*type(libraries).model_fields) == libraries.model_dump()


@pytest.mark.parametrize("lock", LOCKS)
def test_each_lock_names_no_address_and_hashes_all_it_pins(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert "://" not in text
    pins = re.split(r"^(?=[\w.-]+==)", text, flags=re.MULTILINE)[1:]
    assert len(pins) == sum(map(len, locked(lock).values()))
    assert [pin for pin in pins if not re.search(r"--hash=sha256:[0-9a-f]{64}$", pin, re.MULTILINE)] == []


def test_what_needs_torch_alone_is_in_the_lock_of_torch() -> None:
    for lock in (MAIN, FIRST):
        assert not [name for name in locked(lock) if re.match(r"nvidia-|cuda-|triton$", name)]
    assert "torch" not in locked(MAIN)
    assert {"sympy", "mpmath", "triton"} <= locked(TORCH).keys()
    both = locked(TORCH).keys() & locked(MAIN).keys()
    assert {name: locked(TORCH)[name] for name in both} == {name: locked(MAIN)[name] for name in both}


def test_make_installs_first_what_the_lock_has_hashes_of() -> None:
    makefile = (ROOT / "Makefile").read_text()
    wanted = {name: re.findall(rf"^{name.upper()}_VERSION = (.+)$", makefile, re.MULTILINE) for name in ("torch", "uv")}
    assert locked(FIRST) == wanted
    installing = re.findall(r"^\t.*(?:PIP\) |pip )install .*", makefile.replace("\\\n", ""), re.MULTILINE)
    assert len(installing) == 3
    for line in installing:
        assert "--require-hashes" in line or "-c requirements.lock -c requirements.torch.lock" in line


def test_the_lock_satisfies_every_range_of_the_project() -> None:
    extras, dev = PROJECT["project"]["optional-dependencies"], PROJECT["dependency-groups"]["dev"]
    for requirement in map(Requirement, [*DEPENDENCIES, *itertools.chain(*extras.values()), *dev]):
        if requirement.name != "torch":
            pins = locked()[canonicalize_name(requirement.name)]
            assert all(requirement.specifier.contains(version) for version in pins), requirement


def test_make_installs_a_torch_that_the_project_takes() -> None:
    [version] = re.findall(r"^TORCH_VERSION = (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    [torch] = [one for one in map(Requirement, DEPENDENCIES) if one.name == "torch"]
    assert torch.specifier.contains(version)


def locked(lock: str = MAIN) -> dict[str, list[str]]:
    """The versions of each distribution in a lock: one for each Python, where they differ."""
    found: dict[str, list[str]] = {}
    for name, version in re.findall(r"^([\w.-]+)==([^ ;\\]+)", (ROOT / lock).read_text(), re.MULTILINE):
        found.setdefault(name, []).append(version)
    return found
