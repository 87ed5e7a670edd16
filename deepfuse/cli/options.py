"""What the subcommands share: their words, their checks, the option `--json`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

from deepfuse.bracket import printable

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
Run = Callable[[argparse.Namespace], dict[str, Any]]

PHOTOS = "RAW, TIFF, PNG, JPEG or HEIC"
NOTHING_TO_DO = 3
EPILOG = "exit codes: 0 done, 2 wrong usage, 3 no bracket found, 4 bad input, 5 model refused, 6 registry unreachable"


def add_command(commands: Commands, name: str, run: Run, *, help: str) -> argparse.ArgumentParser:
    """A subcommand; `run` returns its record in JSON values.

    Two of them are not printed in JSON: "text", which people read instead, and "code", the exit code if it is not 0.
    """
    command: argparse.ArgumentParser = commands.add_parser(name, help=help, description=help, epilog=EPILOG)
    command.add_argument("--json", action="store_true", help="print a record in JSON")
    command.set_defaults(run=run)
    return command


def names(paths: list[Path]) -> list[str]:
    """Paths as text that can be printed."""
    return [printable(str(path)) for path in paths]


def check_count(frames: list[Path]) -> None:
    """Refuse a single frame."""
    if len(frames) < 2:
        raise ValueError(f"expected 2 or more exposures, got 1 ({frames[0]})")


def moved(before: str | None, after: str) -> dict[str, Any]:
    """The record of an alias that moved."""
    text = f"champion: {'none' if before is None else f'version {before}'} → version {after}"
    return {"from": before, "to": after, "text": text}
