"""Defaults of a photographer's own for the options of the commands, from a file in TOML.

The parser says what may stand there: a key is an option without its dashes, and its value what the option takes.
"""

from __future__ import annotations

import argparse
import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from deepfuse.bracket import printable
from deepfuse.errors import ConfigError, LookError
from deepfuse.fusion.controls import RANGES
from deepfuse.fusion.looks import read_look

COMMANDS = ("fuse", "batch", "watch", "web", "brackets", "align", "score")
VARIABLE = "DEEPFUSE_CONFIG"
_NEVER = "help force dry-run output only json copy verbose radiance no-config".split()  # what is of one call alone
Defaults = dict[str, dict[str, Any]]


def config_file() -> Path | None:
    """The file that is read, be it there or not; `None` where `DEEPFUSE_CONFIG` is empty and asks for none."""
    named = os.environ.get(VARIABLE)
    if named is not None:
        return Path(named) if named else None
    from platformdirs import user_config_path

    return user_config_path("deepfuse", appauthor=False) / "config.toml"


def with_config(
    parser: argparse.ArgumentParser, options: argparse.Namespace, arguments: Sequence[str] | None
) -> argparse.Namespace:
    """The options of the command line above those of the file.

    Args:
        parser: of all commands; its defaults become those of the file.
        options: of the command line alone.
        arguments: the command line.

    Raises:
        ConfigError: the file cannot be read, or has a wrong key or value.
    """
    file = config_file()
    if options.command not in COMMANDS or options.no_config or file is None:
        return options
    command = commands_of(parser)[options.command]
    values = read_config(file, parser)[options.command]
    said = _instead(command, options)
    taken = {name: value for name, value in values.items() if name not in said}
    command.set_defaults(**taken)
    found = parser.parse_args(arguments, argparse.Namespace(beside=options.beside))
    found.configured = f"{printable(str(file))} sets {', '.join(taken)}" if taken else ""
    return found


def commands_of(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The parsers of the commands, by name."""
    [commands] = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return dict(commands.choices)


def _instead(command: argparse.ArgumentParser, options: argparse.Namespace) -> set[str]:
    """What of the file the command line leaves no room for: what excludes it, or controls below a look of its own."""
    said = set(RANGES) if getattr(options, "look", None) else set()
    for group in command._mutually_exclusive_groups:
        names = {action.dest for action in group._group_actions}
        given = {name for name in names if getattr(options, name) != command.get_default(name)}
        said |= names - given if given else set()
    return said


def read_config(file: Path, parser: argparse.ArgumentParser) -> Defaults:
    """What a file says for each command; nothing where it is not there, unless the environment names it.

    Raises:
        ConfigError: it cannot be read, or has a wrong key or value; the message names the file and the key.
    """
    commands = {name: command for name, command in commands_of(parser).items() if name in COMMANDS}
    name = printable(str(file))
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        if VARIABLE in os.environ:
            raise ConfigError(f"{name}: expected a file, as {VARIABLE} says, got nothing") from error
        values = {}
    except (OSError, ValueError) as error:
        raise ConfigError(f"{name}: expected options in TOML: {printable(str(error))}") from error
    shared = {key: value for key, value in values.items() if not isinstance(value, dict)}
    tables = {key: value for key, value in values.items() if key not in shared}
    try:
        _check_tables([*tables], commands)
        _check_shared(shared, commands)
        return {one: _defaults(command, shared, tables.get(one, {}), one) for one, command in commands.items()}
    except ValueError as error:
        raise ConfigError(f"{name}: {printable(str(error))}") from error


def _check_tables(tables: Sequence[str], commands: Mapping[str, argparse.ArgumentParser]) -> None:
    if unknown := [table for table in tables if table not in commands]:
        raise ValueError(f"[{unknown[0]}]: expected one of {', '.join(f'[{name}]' for name in commands)}")


def _check_shared(shared: Mapping[str, object], commands: Mapping[str, argparse.ArgumentParser]) -> None:
    known = {key for command in commands.values() for key in _actions(command)}
    if unknown := [key for key in shared if key not in known]:
        raise ValueError(_unknown(unknown[0], known))


def _defaults(
    command: argparse.ArgumentParser, shared: Mapping[str, object], own: Mapping[str, object], table: str
) -> dict[str, Any]:
    actions = _actions(command)
    if unknown := [key for key in own if key not in actions]:
        raise ValueError(f"[{table}] {_unknown(unknown[0], actions)}")
    found = {key: value for key, value in {**shared, **own}.items() if key in actions}
    for group in command._mutually_exclusive_groups:
        both = [key for key, value in found.items() if actions[key] in group._group_actions and value is True]
        if len(both) > 1:
            raise ValueError(f"[{table}] expected one of {' and '.join(both)}, got both")
    values = {key: _value(actions[key], key, value, table if key in own else "") for key, value in found.items()}
    return {actions[key].dest: value for key, value in values.items() if value is not None}


def _unknown(key: str, known: Any) -> str:
    if key in _NEVER:
        return f"{key}: is said on the command line alone"
    return f"{key}: expected one of {', '.join(sorted(known))}"


def _actions(command: argparse.ArgumentParser) -> dict[str, argparse.Action]:
    """The options that may have another default, by their names without dashes."""
    names = {name: action for name, action in command._option_string_actions.items() if name.startswith("--")}
    return {name[2:]: action for name, action in names.items() if name[2:] not in _NEVER}


def _value(action: argparse.Action, key: str, value: object, table: str) -> Any:
    """A value as the option makes it of a text; `None` for a flag that is not set."""
    where = f"[{table}] {key}" if table else key
    if action.nargs == 0 or isinstance(value, bool):
        if action.nargs == 0 and isinstance(value, bool):
            return action.const if value else None
        raise ValueError(
            f"{where}: expected {'true or false' if action.nargs == 0 else 'a text or number'}, got {value}"
        )
    if not isinstance(value, (str, int, float)):
        raise ValueError(f"{where}: expected a text or a number, got {value}")
    try:
        made = action.type(str(value)) if callable(action.type) else str(value)
        if key == "look":
            read_look(str(value))
    except (argparse.ArgumentTypeError, ValueError, LookError) as error:
        raise ValueError(f"{where}: {str(error).removeprefix(f'{key}: ')}") from error  # a look's begins with it
    if action.choices is not None and made not in action.choices:
        raise ValueError(f"{where}: expected one of {', '.join(map(str, action.choices))}, got {value}")
    return made
