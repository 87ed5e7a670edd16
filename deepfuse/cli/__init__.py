"""The command `deepfuse`: one module a subcommand, each with `add(commands)`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from deepfuse import __version__
from deepfuse.cli import (
    align,
    batch,
    brackets,
    doctor,
    fuse,
    models,
    monitor,
    promote,
    reproduce,
    rollback,
    score,
    worker,
)
from deepfuse.cli.options import EPILOG, NOTHING_TO_DO
from deepfuse.cli.output import Parser, say, say_error, say_record
from deepfuse.errors import DeepfuseError, ModelError, NoPhotoError, Unreachable

HOW = "'pip install deepfuse' installs it"
BAD_INPUT, MODEL_REFUSED, UNREACHABLE, OUT_OF_MEMORY, INTERRUPTED = 4, 5, 6, 7, 130
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
_NO_MEMORY = ("can't allocate memory", "Insufficient memory")  # as torch and OpenCV say it


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        record: dict[str, Any] = options.run(options)
    except (Exception, KeyboardInterrupt) as error:
        return _failed(_plain(error))
    text, code = record.pop("text"), record.pop("code", 0)
    for line in record.pop("said", ()):
        say(f"deepfuse: {line}", sys.stderr)
    if options.json:
        say_record(record)
    else:
        say(text, sys.stdout)
    return int(code)


def _failed(error: BaseException) -> int:
    """Say what the user can mend, and return its exit code; whatever else is wrong is a fault of the program."""
    code = next((code for kind, code in _CODES if isinstance(error, kind)), None)
    if code is None:
        raise error
    say_error(error)
    return code


def _plain(error: BaseException) -> BaseException:
    """The error in the words of those who see it."""
    if isinstance(error, ModuleNotFoundError):
        return _not_installed(error)
    if isinstance(error, MemoryError) or any(words in str(error) for words in _NO_MEMORY):
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


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="deepfuse", description="Fuse brackets of exposures into one picture.", epilog=EPILOG)
    parser.add_argument("--version", action="version", version=f"deepfuse {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in (fuse, batch, brackets, align, score, monitor, models, promote, rollback, reproduce, worker, doctor):
        command.add(commands)
    return parser
