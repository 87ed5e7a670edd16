"""dvc.yaml, params.yaml and the code say the same things."""

from __future__ import annotations

import ast

import pytest
from support.imports import closure
from support.projects import ROOT

from deepfuse.params import Params, read_params, read_yaml

STAGES = read_yaml(ROOT / "dvc.yaml")["stages"]


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
    lock = (ROOT / "requirements.lock").read_text()
    assert "://" not in lock
    assert "\ntorch==" not in lock
