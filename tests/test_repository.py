"""dvc.yaml, params.yaml and the code say the same things."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from deepfuse.params import Params, read_params, read_yaml

ROOT = Path(__file__).parents[1]
STAGES = read_yaml(ROOT / "dvc.yaml")["stages"]


def module_file(name: str) -> Path | None:
    """The file of a module of this project; packages' own `__init__.py` below `deepfuse` count, its root's does not."""
    path = ROOT.joinpath(*name.split("."))
    found = next((p for p in (path.with_suffix(".py"), path / "__init__.py") if p.is_file()), None)
    return None if found == ROOT / "deepfuse" / "__init__.py" else found


def imported(file: Path) -> set[Path]:
    """The project's files that a file imports, anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    parents = {".".join(name.split(".")[:depth]) for name in names for depth in range(1, name.count(".") + 2)}
    return {found for name in parents if name.startswith("deepfuse") and (found := module_file(name))}


def closure(file: Path) -> set[str]:
    """Every file of the project that running `file` imports, itself included, from the project's root."""
    seen: set[Path] = set()
    todo = {file}
    while todo:
        current = todo.pop()
        seen.add(current)
        todo |= imported(current) - seen
    return {path.relative_to(ROOT).as_posix() for path in seen}


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
