"""`deepfuse rollback`: the champion before this one becomes champion again."""

from __future__ import annotations

import argparse
from dataclasses import astuple
from typing import Any

from deepfuse.cli.options import Commands, add_command, alias_moved

HELP = "make the previous champion the champion again, after its golden check, and veto the model that was"


def add(commands: Commands) -> None:
    """Add the subcommand."""
    command = add_command(commands, "rollback", run, help=HELP)
    command.add_argument("--why", default="", metavar="TEXT", help="the reason, kept with the veto")


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Move the alias back."""
    from deepfuse.registry import rollback

    return alias_moved(*astuple(rollback(options.why)))
