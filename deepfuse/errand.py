"""The work of a scene as bytes for another machine, and what that machine must have in common with this one."""

from __future__ import annotations

import hashlib
import os
import pickle
import pkgutil
import platform
import sys
import traceback
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from io import BytesIO
from pathlib import Path
from types import FunctionType
from typing import Any

from deepfuse.files import beside, remove_abandoned
from deepfuse.quiet import quiet_libraries
from deepfuse.resident import answer

PACKAGE = Path(__file__).parent
PREFIX = "DEEPFUSE_"  # of the environment variables that a scene's process is to have too
LARGEST = 1 << 18  # bytes of a task or a result, of which a scheduler holds thousands: frames travel as paths
# The distributions that decide a result's bytes.
DECIDING = (
    "numpy",
    "opencv-python-headless",
    "rawpy",
    "pi-heif",
    "pillow",
    "tifffile",
    "imagecodecs",
    "pyarrow",
    "safetensors",
    "torch",
)


_received: list[Any] = []


@dataclass(frozen=True)
class Terms:
    """What one run asks of every process that works for it.

    Attributes:
        run: a name that no other run has.
        folder: the working directory, absolute: paths in tasks start there.
        mark: an empty file on the storage that all must share, there as long as the run.
        first: whether Python looks for modules in the working directory before all others.
        settings: the run's environment variables of this package.
        versions: of Python, this package's code and the libraries behind a result.
    """

    run: str
    folder: Path
    mark: Path
    first: bool
    settings: Mapping[str, str]
    versions: Mapping[str, str]


@contextmanager
def terms_of_this_run(out: Path) -> Iterator[Terms]:
    """The terms of a run in this process, as long as the block lasts.

    Args:
        out: a folder that the work writes to, where every machine must see the mark.
    """
    folder = Path.cwd()
    mark = beside((folder / out / ".deepfuse" / "run").absolute())
    mark.parent.mkdir(parents=True, exist_ok=True)
    remove_abandoned(mark.parent)
    mark.touch()
    settings = {name: value for name, value in os.environ.items() if name.startswith(PREFIX)}
    try:
        first = not {"", str(folder)}.isdisjoint(sys.path)
        yield Terms(uuid.uuid4().hex, folder, mark, first, settings, versions())
    finally:
        mark.unlink(missing_ok=True)


def obstacle(terms: Terms) -> str | None:
    """Why this process cannot work for a run, if it cannot."""
    quiet_libraries()
    if not terms.mark.exists():
        return f"{terms.mark.parent}: expected a folder that all machines share, got another one of that name"
    here = versions()
    odd = [name for name in {**terms.versions, **here} if terms.versions.get(name) != here.get(name)]
    if odd:
        wanted, got = (", ".join(f"{name} {has.get(name)}" for name in odd) for has in (terms.versions, here))
        return f"expected what the run has, {wanted}, got {got}"
    return None


@cache
def versions() -> dict[str, str]:
    """What decides the bytes of a result besides its inputs: Python, this package's files, the libraries."""
    code = hashlib.sha256()
    for file in sorted(PACKAGE.rglob("*")):
        if file.is_file() and file.suffix != ".pyc":
            code.update(f"{file.relative_to(PACKAGE).as_posix()}\0".encode() + file.read_bytes())
    python = ".".join(platform.python_version_tuple()[:2])
    return {"Python": python, "deepfuse": code.hexdigest()[:12], **{name: _version(name) for name in DECIDING}}


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "none"


def packed(work: Callable[[Any], object], task: object) -> bytes:
    """A call for `receive`.

    Raises:
        ValueError: it is larger than what should pass a scheduler.
    """
    buffer = BytesIO()
    _Pickler(buffer).dump((work, task))
    return _small("task", buffer.getvalue())


def receive(call: bytes) -> None:
    """Read a call, and with it the modules of its work, whose time is not the scene's."""
    _received[:] = pickle.loads(call)


def perform() -> bytes:
    """Do the work of the call that was received; returns what `unpacked` takes.

    Raises:
        MemoryError: the work needed more than there is.
    """
    done = answer(_noting, tuple(_received))
    if isinstance(pickle.loads(done)[1], MemoryError):
        raise MemoryError
    return done


def unpacked(done: bytes) -> Any:
    """What the work returned or raised."""
    well, result = pickle.loads(done)
    if not well:
        raise result
    return result


def _noting(work: Callable[[Any], object], task: object) -> object:
    """An error that comes back as bytes has lost where it came from."""
    try:
        result = work(task)
        _small("result", pickle.dumps(result))
    except Exception as error:
        error.add_note(f"On {platform.node()}:\n{traceback.format_exc()}")
        raise
    return result


def _small(what: str, data: bytes) -> bytes:
    if len(data) > LARGEST:
        raise ValueError(f"{what}: expected at most {LARGEST} bytes for the scheduler, got {len(data)}: pass paths")
    return data


class _Pickler(pickle.Pickler):
    """What the main module defines goes by that module's own name: `__main__` is another one elsewhere."""

    def reducer_override(self, thing: Any) -> Any:
        if not isinstance(thing, FunctionType | type) or thing.__module__ != "__main__":
            return NotImplemented
        spec = sys.modules["__main__"].__spec__
        if spec is None:
            raise ValueError(f"{thing.__qualname__}: expected work that is in a module, got a script's")
        return pkgutil.resolve_name, (f"{spec.name}:{thing.__qualname__}",)
