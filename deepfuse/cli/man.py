"""`deepfuse man`: the manual page of all commands, from the parser, in the roff of man(7)."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from typing import Any

from deepfuse import __version__
from deepfuse.cli.configured import COMMANDS, VARIABLE, commands_of
from deepfuse.cli.options import EPILOG, Commands, add_command

DESCRIPTION = """Print the manual page of all commands. To read it: deepfuse man | man -l -; to install it: deepfuse man
> ~/.local/share/man/man1/deepfuse.1, where man(1) finds it."""
FILES = {
    "~/.config/deepfuse/config.toml": f"defaults of {', '.join(COMMANDS)}; `deepfuse config` says where it is",
    "OUT/.deepfuse": "records of what batch, watch and web made of each set",
    "OUT/looks.toml": "how single sets are made",
}
ENVIRONMENT = {
    VARIABLE: "another configuration file; none, where it is empty",
    "DEEPFUSE_JOBS": "how many processes work at the same time, where --jobs says nothing",
    "DEEPFUSE_CLUSTER": "the Dask scheduler whose workers fuse sets, where --cluster says nothing",
}


def add(commands: Commands) -> None:
    """Add the subcommand."""
    command = add_command(commands, "man", run, help="print the manual page")
    command.description = DESCRIPTION


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Print it."""
    page = manual(options.parser)
    return {"page": page, "text": page}


def manual(parser: argparse.ArgumentParser) -> str:
    """The page of a parser with commands."""
    return "\n".join(_page(parser))


def _page(parser: argparse.ArgumentParser) -> Iterator[str]:
    commands = commands_of(parser)
    yield f'.TH {parser.prog.upper()} 1 "" "{parser.prog} {__version__}" "User Commands"'
    yield from (".SH NAME", _text(f"{parser.prog} - {_sentence(parser.description)}"))
    yield from (".SH SYNOPSIS", f".B {_text(parser.prog)}", _text("COMMAND [options]"))
    yield from (".SH DESCRIPTION", _text(parser.description or ""))
    yield from (".SH OPTIONS", *_options(parser))
    yield ".SH COMMANDS"
    for name, command in commands.items():
        yield from (f".SS {_text(name)}", *_usage(command), ".PP", _text(command.description or ""), *_options(command))
    yield from (".SH EXIT STATUS", *_exits())
    yield from (".SH FILES", *_named(FILES), ".SH ENVIRONMENT", *_named(ENVIRONMENT))


def _usage(command: argparse.ArgumentParser) -> Iterator[str]:
    """Each way to call a command, in a line of its own."""
    text = command.format_usage().removeprefix("usage: ")
    for line in re.split(rf"\n\s+(?={re.escape(command.prog)} )", text):
        yield from (".PP", f".B {_text(command.prog)}", _text(line.removeprefix(command.prog)))


def _options(command: argparse.ArgumentParser) -> Iterator[str]:
    """What is said of each option and argument that has any help."""
    formatter = command._get_formatter()
    for action in command._actions:
        if action.help in (None, argparse.SUPPRESS) or isinstance(action, argparse._SubParsersAction):
            continue
        yield from (".TP", f".B {_text(formatter._format_action_invocation(action))}")
        yield from "\n.br\n".join(map(_text, formatter._expand_help(action).splitlines())).splitlines()


def _exits() -> Iterator[str]:
    codes = EPILOG.removeprefix("exit codes: ")
    for code, meaning in re.findall(r"(\d+) (.*?)(?:, (?=\d)|$)", codes):
        yield from (".TP", f".B {code}", _text(meaning))


def _named(texts: dict[str, str]) -> Iterator[str]:
    for name, text in texts.items():
        yield from (".TP", f".B {_text(name)}", _text(text))


def _sentence(text: str | None) -> str:
    """A description as the line that apropos(1) shows."""
    return (text or "").rstrip(".").lower()


def _text(text: str) -> str:
    """A paragraph as roff takes it for text alone, whatever is in it."""
    line = " ".join(text.split()).replace("\\", r"\e").replace("-", r"\-")
    line = "".join(letter if letter.isascii() else f"\\[u{ord(letter):04X}]" for letter in line)
    return f"\\&{line}" if line.startswith((".", "'")) else line
