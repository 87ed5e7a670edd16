"""The exit codes of every program of this package, and what is said where one fails."""

from __future__ import annotations

from deepfuse.errors import DeepfuseError, ModelError, NoPhotoError, Unreachable
from deepfuse.heap import lacks_memory
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
    if lacks_memory(error):
        return MemoryError("out of memory; fewer or smaller frames need less, and so does --quality fast")
    if isinstance(error, KeyboardInterrupt):
        return KeyboardInterrupt("interrupted")
    return error


def _not_installed(error: ModuleNotFoundError) -> ModuleNotFoundError:
    """The error with what to do about it; a module of this package's own is no matter of installing."""
    name = (error.name or "deepfuse").partition(".")[0]
    if name == "deepfuse":
        raise error
    how = f"pip install {name}; https://pytorch.org has the builds for other processors" if name == "torch" else HOW
    return ModuleNotFoundError(f"{name} is not installed: {how}")
