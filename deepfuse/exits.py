"""The exit codes of every program of this package, and what is said where one fails."""

from __future__ import annotations

import math

from deepfuse.errors import DeepfuseError, ModelError, NoPhotoError, Unreachable
from deepfuse.interrupts import INTERRUPTED
from deepfuse.terminal import say_error

READER_GONE = 128 + 13  # as shells say that SIGPIPE ended a program
SOME_FAILED, NOTHING_TO_DO, BAD_INPUT, MODEL_REFUSED, UNREACHABLE, OUT_OF_MEMORY = 1, 3, 4, 5, 6, 7
HOW = "'pip install deepfuse' installs it"
_CODES: tuple[tuple[type[BaseException], int], ...] = (  # the first that fits
    (NoPhotoError, NOTHING_TO_DO),
    (ModelError, MODEL_REFUSED),
    (ModuleNotFoundError, MODEL_REFUSED),
    (Unreachable, UNREACHABLE),
    (DeepfuseError, BAD_INPUT),
    (OSError, BAD_INPUT),
    (ValueError, BAD_INPUT),
    (TypeError, BAD_INPUT),
    (MemoryError, OUT_OF_MEMORY),
    (KeyboardInterrupt, INTERRUPTED),
)
# As torch, OpenCV, the loader of libraries, Python's threads and the system say it.
_NO_MEMORY = (
    "can't allocate memory",
    "Insufficient memory",
    "failed to map segment",
    "can't start new thread",
    "Cannot allocate memory",
)


def failed(error: BaseException) -> int:
    """Say what the user can mend, and return its exit code; whatever else is wrong is a fault of the program."""
    error = _plain(error)
    code = next((code for kind, code in _CODES if isinstance(error, kind)), None)
    if code is None:
        raise error
    say_error(error)
    return code


def _plain(error: BaseException) -> BaseException:
    """The error in the words of those who see it."""
    if isinstance(error, ModuleNotFoundError):
        return _not_installed(error)
    if _is_no_memory(error):
        return MemoryError("out of memory; fewer or smaller frames need less, and so does --quality fast")
    if isinstance(error, KeyboardInterrupt):
        return KeyboardInterrupt("interrupted")
    return error


def _is_no_memory(error: BaseException) -> bool:
    """Whether memory was lacking; of a limited process also where C code lost the error that said so."""
    if isinstance(error, MemoryError) or any(words in str(error) for words in _NO_MEMORY):
        return True
    return isinstance(error, SystemError) and most_memory() < math.inf


def most_memory() -> float:
    """The bytes that this process may have in its address space (`ulimit -v`), where the system has such a limit."""
    try:
        import resource
    except ImportError:  # Windows
        return math.inf
    most, _ = resource.getrlimit(resource.RLIMIT_AS)
    return math.inf if most == resource.RLIM_INFINITY else float(most)


def _not_installed(error: ModuleNotFoundError) -> ModuleNotFoundError:
    """The error with what to do about it; a module of this package's own is no matter of installing."""
    name = (error.name or "deepfuse").partition(".")[0]
    if name == "deepfuse":
        raise error
    how = f"pip install {name}; https://pytorch.org has the builds for other processors" if name == "torch" else HOW
    return ModuleNotFoundError(f"{name} is not installed: {how}")
