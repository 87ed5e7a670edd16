"""`deepfuse promote`: a registered version becomes champion, whatever was decided of it."""

from __future__ import annotations

import argparse
from dataclasses import astuple
from typing import Any

from deepfuse.cli.options import Commands, add_command, alias_moved

HELP = "make a registered version the champion, after its golden check; a veto against it is lifted"


def add(commands: Commands) -> None:
    """Add the subcommand."""
    command = add_command(commands, "promote", run, help=HELP)
    command.add_argument("version", metavar="VERSION", help="its number, from `deepfuse models`")


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Move the alias."""
    from deepfuse.registry import promote

    return alias_moved(*astuple(promote(options.version, despite_veto=True)))
