"""The code behind a result: the files that a stage imports, what they do, and the libraries that decide its bytes."""

from __future__ import annotations

import ast
import hashlib
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parent
LIBRARY_NAMES = {"cv2": "opencv", "PIL": "pillow"}  # modules whose library has another name in params.yaml


def code_of(stage: str) -> dict[str, str]:
    """The SHA-256 of what each file that a stage imports does."""
    return code_behind(stage_file(stage))


def code_behind(file: Path) -> dict[str, str]:
    """The SHA-256 of what a file of the package and each that it imports does.

    A comment, a docstring or another layout changes none of them. Another minor version of Python may change all: it
    may write the same syntax tree down in another way.
    """
    return {
        found.relative_to(PACKAGE.parent).as_posix(): _behaviour_digest(found.read_bytes()) for found in closure(file)
    }


def behaviour(file: Path) -> str:
    """The syntax tree of a Python file as text, without docstrings."""
    return _behaviour(file.read_bytes())


def _behaviour(code: bytes) -> str:
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            documented = ast.get_docstring(node, clean=False) is not None
            node.body = node.body[documented:] or [ast.Pass()]
    return ast.dump(tree)


@cache
def _behaviour_digest(code: bytes) -> str:
    return hashlib.sha256(_behaviour(code).encode()).hexdigest()


def libraries_of(stage: str) -> list[str]:
    """The libraries of params.yaml that a stage imports, by their names there."""
    return libraries_behind(stage_file(stage))


def libraries_behind(file: Path) -> list[str]:
    """The libraries of params.yaml that a file of the package and those that it imports import."""
    from deepfuse.params import Libraries  # belongs to the loop: `deepfuse score` imports this module and needs it not

    modules = third_party(closure(file))
    return sorted({LIBRARY_NAMES.get(module, module) for module in modules} & set(Libraries.model_fields))


def stage_file(stage: str) -> Path:
    """The file that runs a stage."""
    return PACKAGE / "stages" / f"{stage}.py"


def closure(file: Path) -> list[Path]:
    """Every file of the package that running `file` may import, itself included."""
    seen: set[Path] = set()
    todo = {file, *(folder / "__init__.py" for folder in file.parents if PACKAGE in folder.parents)}
    while todo:
        current = todo.pop()
        seen.add(current)
        todo |= {found for name in _imported(current.read_bytes()) if (found := _file_of(name))} - seen
    return sorted(seen)


def third_party(files: Iterable[Path]) -> set[str]:
    """The top-level modules that files import and that neither Python nor this package has."""
    modules = {name.partition(".")[0] for file in files for name in _imported(file.read_bytes())}
    return modules - sys.stdlib_module_names - {PACKAGE.name}


@cache
def _imported(code: bytes) -> set[str]:
    """The dotted names of all that a file may import, anywhere in it, and of the packages around them."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(code)):
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
