"""The code behind a stage: the files that it imports, what they do, and the libraries that decide its bytes."""

from __future__ import annotations

import ast
import hashlib
import sys
from collections.abc import Iterable
from pathlib import Path

from deepfuse.params import Libraries

PACKAGE = Path(__file__).parent
LIBRARY_NAMES = {"cv2": "opencv", "PIL": "pillow"}  # modules whose library has another name in params.yaml


def code_of(stage: str) -> dict[str, str]:
    """The SHA-256 of what each file that a stage imports does.

    A comment, a docstring or another layout changes none of them. Another minor version of Python may change all: it
    may write the same syntax tree down in another way.
    """
    return {
        file.relative_to(PACKAGE.parent).as_posix(): hashlib.sha256(behaviour(file).encode()).hexdigest()
        for file in closure(stage_file(stage))
    }


def behaviour(file: Path) -> str:
    """The syntax tree of a Python file as text, without docstrings."""
    tree = ast.parse(file.read_bytes())
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            documented = ast.get_docstring(node, clean=False) is not None
            node.body = node.body[documented:] or [ast.Pass()]
    return ast.dump(tree)


def libraries_of(stage: str) -> list[str]:
    """The libraries of params.yaml that a stage imports, by their names there."""
    modules = third_party(closure(stage_file(stage)))
    return sorted({LIBRARY_NAMES.get(module, module) for module in modules} & set(Libraries.model_fields))


def stage_file(stage: str) -> Path:
    """The file that runs a stage."""
    return PACKAGE / "stages" / f"{stage}.py"


def closure(file: Path) -> list[Path]:
    """Every file of the package that running `file` may import, itself included."""
    seen: set[Path] = set()
    todo = {file}
    while todo:
        current = todo.pop()
        seen.add(current)
        todo |= {found for name in _imported(current) if (found := _file_of(name))} - seen
    return sorted(seen)


def third_party(files: Iterable[Path]) -> set[str]:
    """The top-level modules that files import and that neither Python nor this package has."""
    modules = {name.partition(".")[0] for file in files for name in _imported(file)}
    return modules - sys.stdlib_module_names - {PACKAGE.name}


def _imported(file: Path) -> set[str]:
    """The dotted names of all that a file may import, anywhere in it, and of the packages around them."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return {".".join(name.split(".")[:depth]) for name in names for depth in range(1, name.count(".") + 2)}


def _file_of(name: str) -> Path | None:
    """The file of a module of this package; the `__init__.py` at its root, which decides nothing, does not count."""
    path = PACKAGE.parent.joinpath(*name.split("."))
    if PACKAGE not in path.parents:
        return None
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)
