"""dvc.yaml, params.yaml and the code say the same things."""

from __future__ import annotations

import ast
import itertools
import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from support.imports import closure
from support.projects import ROOT

from deepfuse.params import Params, read_params, read_yaml

STAGES = read_yaml(ROOT / "dvc.yaml")["stages"]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
DEPENDENCIES = PROJECT["project"]["dependencies"]


@pytest.mark.parametrize("stage", STAGES)
def test_deps_are_exactly_the_imports(stage: str) -> None:
    listed = {dep for dep in STAGES[stage]["deps"] if dep.endswith(".py")}
    needed = closure(ROOT / "deepfuse" / "stages" / f"{stage}.py")
    assert sorted(listed - needed) == [], "not imported: remove from dvc.yaml"
    assert sorted(needed - listed) == [], "imported: add to dvc.yaml"


@pytest.mark.parametrize("stage", STAGES)
def test_params_are_exactly_those_the_stage_reads(stage: str) -> None:
    tree = ast.parse((ROOT / "deepfuse" / "stages" / f"{stage}.py").read_text())
    read = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in Params.model_fields and "params" in ast.unparse(node.value)
    }
    libraries = {
        f"libraries.{argument.value}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "installed"
        for argument in node.args
        if isinstance(argument, ast.Constant)
    }
    assert set(STAGES[stage]["params"]) == (read - {"libraries"}) | libraries


def test_every_stage_has_its_section_and_its_file() -> None:
    for stage in STAGES:
        assert stage in Params.model_fields
        assert STAGES[stage]["cmd"] == f"python -m deepfuse.stages.{stage}"


def test_declared_library_versions_are_the_installed_ones() -> None:
    libraries = read_params(ROOT / "params.yaml").libraries
    assert libraries.installed(*type(libraries).model_fields) == libraries.model_dump()


def test_the_lock_names_no_address_and_no_torch() -> None:
    assert "://" not in (ROOT / "requirements.lock").read_text()
    assert not {"torch", "triton"} & set(locked())
    assert not [name for name in locked() if name.startswith("nvidia-")]


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


def locked() -> dict[str, list[str]]:
    """The versions of each distribution in the lock: one for each Python, where they differ."""
    found: dict[str, list[str]] = {}
    for name, version in re.findall(r"^([\w.-]+)==([^ ;\\]+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE):
        found.setdefault(name, []).append(version)
    return found
