"""All subcommands under one parser: what the command line asks for, and how it ends."""

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
    completion,
    config,
    doctor,
    fuse,
    man,
    models,
    monitor,
    promote,
    reproduce,
    rollback,
    score,
    watch,
    web,
    worker,
)
from deepfuse.cli.beside import Beside
from deepfuse.cli.configured import with_config
from deepfuse.cli.options import EPILOG
from deepfuse.exits import BAD_INPUT, failed
from deepfuse.terminal import Parser, say, say_record


def run(arguments: Sequence[str] | None, beside: Beside | None) -> int:
    """Run the command line as `deepfuse.cli.main` says; returns the exit code."""
    parser = parser_of_all()
    options = parser.parse_args(arguments, argparse.Namespace(beside=beside))
    try:
        options = with_config(parser, options, arguments)
        record: dict[str, Any] = options.run(options)
    except (Exception, KeyboardInterrupt) as error:
        code = failed(error)
        if code == BAD_INPUT and (configured := getattr(options, "configured", "")):
            say(f"    {configured}, which --no-config leaves out", sys.stderr)
        return code
    text, code = record.pop("text"), record.pop("code", 0)
    for line in record.pop("said", ()):
        say(f"deepfuse: {line}", sys.stderr)
    if options.json:
        say_record(record)
    else:
        say(text, sys.stdout)
    return int(code)


def parser_of_all() -> argparse.ArgumentParser:
    """The parser of the command line."""
    parser = Parser(prog="deepfuse", description="Fuse brackets of exposures into one picture.", epilog=EPILOG)
    parser.add_argument("--version", action="version", version=f"deepfuse {__version__}")
    parser.set_defaults(parser=parser)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    photographer = (fuse, batch, watch, web, brackets, align, score, config, completion, man)
    keeper = (models, promote, rollback, reproduce, worker)
    for command in (*photographer, monitor, *keeper, doctor):
        command.add(commands)
    return parser
