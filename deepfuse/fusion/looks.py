"""Named looks: small TOML files of controls, those that come with the package and those that a user writes."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from deepfuse.bracket import printable
from deepfuse.errors import LookError
from deepfuse.fusion.controls import RANGES, Controls

FOLDER = Path(__file__).with_name("looks")
DEFAULT_LOOK = "neutral"
"""The look of the command line, of `FuseOptions` and of a served model where none is named."""
DESCRIPTION = "description"


def look_names() -> list[str]:
    """The names of the looks that come with the package."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def read_look(name_or_path: str | Path) -> Controls:
    """The controls of a look; those that it does not name are at rest.

    Args:
        name_or_path: one of the looks that come with the package, or a TOML file of controls with, if it likes, a
            `description`. A file that has a look's name and no suffix is `./NAME`.

    Raises:
        LookError: there is no such look or file, or it is no TOML, names what is no control, or has a value of another
            type or out of its range; the message names the file and the key.

    >>> from deepfuse import read_look
    >>> read_look("neutral").saturation
    1.0
    """
    if str(name_or_path) in look_names():
        return named_look(str(name_or_path))
    path = Path(name_or_path)
    if not path.exists() and path.parent == Path() and not path.suffix:
        raise LookError(_unknown(str(name_or_path), "a TOML file"))
    return _controls(path, printable(path.name))


def named_look(name: str) -> Controls:
    """A look that comes with the package; no file of the user's is read.

    Raises:
        LookError: there is none of that name.
    """
    if name not in look_names():
        raise LookError(_unknown(name))
    return _controls(FOLDER / f"{name}.toml", name)


@cache
def default_look() -> Controls:
    """The look where none is named."""
    return named_look(DEFAULT_LOOK)


def descriptions() -> dict[str, str]:
    """One line about each look that comes with the package, by its name."""
    return {name: str(_values(FOLDER / f"{name}.toml")[DESCRIPTION]) for name in look_names()}


def _unknown(name: str, *others: str) -> str:
    return f"look: expected one of {', '.join([*look_names(), *others])}, got {printable(name)!r}"


def _controls(path: Path, name: str) -> Controls:
    values = _values(path)
    told = printable(str(path))
    if not isinstance(description := values.pop(DESCRIPTION, ""), str):
        raise LookError(f"{told}: {DESCRIPTION}: expected text, got {description!r}")
    for key in sorted(values.keys() - RANGES.keys()):
        raise LookError(f"{told}: {printable(key)}: expected one of {', '.join([*RANGES, DESCRIPTION])}")
    try:
        return Controls(**values, look=name)
    except (TypeError, ValueError) as error:  # they begin with the key
        raise LookError(f"{told}: {error}") from error


def _values(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise LookError(f"{printable(str(path))}: cannot be read: {error.strerror}") from error
    except ValueError as error:  # no UTF-8, or no TOML
        raise LookError(f"{printable(str(path))}: expected a look in TOML: {error}") from error
