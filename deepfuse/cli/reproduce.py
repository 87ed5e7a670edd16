"""`deepfuse reproduce`: the pipeline as it was when a registered version was made, in a folder of its own."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepfuse.cli.options import Commands, add_command

if TYPE_CHECKING:
    from deepfuse.registry import Reproduced

HELP = "make a folder with the commit of a registered version, its model and its data, each compared with its hash"
HELP_TRAIN = "also run the whole pipeline there, anew, and compare the model with the version's"


def add(commands: Commands) -> None:
    """Add the subcommand."""
    command = add_command(commands, "reproduce", run, help=HELP)
    command.add_argument("version", metavar="VERSION", help="its number, from `deepfuse models`")
    command.add_argument("folder", type=Path, metavar="FOLDER", help="the new folder; one that is there is refused")
    command.add_argument("--train", action="store_true", help=HELP_TRAIN)


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Reproduce."""
    from deepfuse.registry import reproduce

    found = reproduce(options.version, options.folder, train=options.train)
    return {
        "version": found.version,
        "commit": found.commit,
        "folder": str(found.folder),
        "contents": dict(found.contents),
        "missing": list(found.missing),
        "trained": found.trained,
        "text": _text(found),
    }


def _text(found: Reproduced) -> str:
    lines = [f"version {found.version}, commit {found.commit}: {found.folder}"]
    lines += [
        f"  {path:26}{'nobody has it; dvc repro makes it' if path in found.missing else f'as recorded, {content}'}"
        for path, content in found.contents.items()
    ]
    return "\n".join([*lines, *(["  trained anew: the same model"] if found.trained else [])])
