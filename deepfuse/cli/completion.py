"""`deepfuse completion`: what a shell needs to complete commands, options, their values and files."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deepfuse.cli.configured import commands_of
from deepfuse.cli.options import Commands, add_command, some_path
from deepfuse.fusion.looks import descriptions

DESCRIPTION = """Print what completes commands, options, their values and files in a shell. For bash, in this one: eval
"$(deepfuse completion bash)"; in all to come, the same into ~/.local/share/bash-completion/completions/deepfuse. For
zsh, into a file _deepfuse in a folder of $fpath; for fish, into ~/.config/fish/completions/deepfuse.fish."""
# How a shell offers the names of looks, and files.
_LOOKS = {
    "bash": """_deepfuse_looks() {{ compgen -W "{names}" -- "$1"; compgen -f -- "$1"; }}""",
    "zsh": """_deepfuse_looks() {{ _alternative 'looks:look:({names})' 'files:file:_files' }}""",
}
_FISH_LOOKS = "(string split ' ' '{names}'; __fish_complete_path (commandline -ct))"


def add(commands: Commands) -> None:
    """Add the subcommand."""
    command = add_command(commands, "completion", run, help="what completes commands and options in a shell")
    command.description = DESCRIPTION
    command.add_argument("shell", choices=("bash", "zsh", "fish"), help="which")


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Print it, from the parser."""
    import shtab

    names = " ".join(descriptions())
    looks = {**dict.fromkeys(_LOOKS, "_deepfuse_looks"), "fish": _FISH_LOOKS.format(names=names)}
    for command in commands_of(options.parser).values():
        for action in command._actions:
            if action.type in (Path, some_path):
                _completed(action, shtab.DIRECTORY if _is_folder(action, command) else shtab.FILE)
            elif "--look" in action.option_strings:
                _completed(action, looks)
    _shorten(options.parser)
    preamble = _LOOKS.get(options.shell, "").format(names=names)
    script = shtab.complete(options.parser, options.shell, preamble=preamble)
    return {"shell": options.shell, "script": script, "text": script.removesuffix("\n")}


def _completed(action: argparse.Action, by: Mapping[str, object]) -> None:
    action.complete = by  # type: ignore[attr-defined]


def _is_folder(action: argparse.Action, command: argparse.ArgumentParser) -> bool:
    """Whether an option or argument is a folder: what many pictures go to is one, too."""
    many = any(one.dest == "source" and one.metavar == "DIR" for one in command._actions)
    return action.metavar == "DIR" or (many and action.metavar == "OUT")


def _shorten(parser: argparse.ArgumentParser) -> None:
    """Let a command be told in a line: shells show its description beside its name."""
    [commands] = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    for one in commands._choices_actions:
        commands.choices[one.dest].description = one.help
