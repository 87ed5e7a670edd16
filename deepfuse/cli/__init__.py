"""The command `deepfuse`: one module a subcommand, each with `add(commands)`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any

from deepfuse import __version__
from deepfuse.cli import align, batch, brackets, fuse, models, promote, rollback, score
from deepfuse.cli.options import EPILOG
from deepfuse.errors import DeepfuseError, ModelError, Unreachable

HOW = "'pip install deepfuse' installs it"
BAD_INPUT, MODEL_REFUSED, UNREACHABLE, INTERRUPTED = 4, 5, 6, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        record: dict[str, Any] = options.run(options)
    except ModelError as error:
        return _fail(error, MODEL_REFUSED)
    except Unreachable as error:
        return _fail(error, UNREACHABLE)
    except ModuleNotFoundError as error:
        return _fail(_not_installed(error), MODEL_REFUSED)
    except (DeepfuseError, OSError, ValueError, TypeError) as error:
        return _fail(error, BAD_INPUT)
    except KeyboardInterrupt:
        return _fail(KeyboardInterrupt("interrupted"), INTERRUPTED)
    text, code = record.pop("text"), record.pop("code", 0)
    for line in record.pop("said", ()):
        print(f"deepfuse: {line}", file=sys.stderr)
    print(json.dumps(record, indent=2, ensure_ascii=False) if options.json else text)
    return int(code)


def _fail(error: BaseException, code: int) -> int:
    print(f"deepfuse: {error}", file=sys.stderr)
    return code


def _not_installed(error: ModuleNotFoundError) -> ModuleNotFoundError:
    """The error with what to do about it; a module of this package's own is no matter of installing."""
    name = (error.name or "deepfuse").partition(".")[0]
    if name == "deepfuse":
        raise error
    how = f"pip install {name}; https://pytorch.org has the builds for other processors" if name == "torch" else HOW
    return ModuleNotFoundError(f"{name} is not installed: {how}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="deepfuse", description="Fuse brackets of exposures into one picture.", epilog=EPILOG
    )
    parser.add_argument("--version", action="version", version=f"deepfuse {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in (fuse, batch, brackets, align, score, models, promote, rollback):
        command.add(commands)
    return parser
