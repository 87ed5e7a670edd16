"""Which files of the project a file of it imports."""

from __future__ import annotations

import ast
from pathlib import Path

from support.projects import ROOT


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
