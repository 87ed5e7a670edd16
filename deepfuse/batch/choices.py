"""How single sets of a batch are made: a TOML file of their ids, each with a look, controls and what else is chosen."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from deepfuse.bracket import printable
from deepfuse.errors import DeepfuseError, LookError
from deepfuse.files import write_text
from deepfuse.fusion.controls import RANGES
from deepfuse.fusion.looks import named_look
from deepfuse.job.options import FuseOptions

FILE = "looks.toml"
LOOK = "look"
OTHERS = ("quality", "deghost", "reference", "crop", "if_unaligned", "orientation", "white_balance")
Choice = Mapping[str, Any]
_CHECKED: dict[str, tuple[object, ...]] = {"deghost": (True, False), "quality": (None, "fast", "best")}
_HEADER = "# How single sets are made; what is not named here is as the command or the page says.\n"


def read_choices(path: Path) -> dict[str, dict[str, Any]]:
    """What is chosen for each set; nothing where there is no such file.

    Raises:
        LookError: it is no TOML, or a set has what is no choice; the message names the file and the set.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / FILE
    ...     write_choices(path, {"hall": {"look": "punchy", "contrast": 0.2}})
    ...     read_choices(path)
    {'hall': {'look': 'punchy', 'contrast': 0.2}}
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise LookError(f"{printable(str(path))}: expected looks of sets in TOML: {error}") from error
    for scene, choice in values.items():
        if not isinstance(choice, dict):
            raise LookError(f"{printable(str(path))}: {printable(scene)}: expected [{printable(scene)}], got a value")
        try:
            chosen(FuseOptions(), choice)
        except DeepfuseError as error:
            raise LookError(f"{printable(str(path))}: {printable(scene)}: {error}") from error
    return values


def write_choices(path: Path, choices: Mapping[str, Choice]) -> None:
    """Write them, the sets by id; one without a choice is not named."""
    parts = [
        f"\n[{_toml(scene)}]\n" + "".join(f"{name} = {_toml(value)}\n" for name, value in choices[scene].items())
        for scene in sorted(choices)
        if choices[scene]
    ]
    write_text(path, _HEADER + "".join(parts))


def rename_choice(path: Path, old: str, new: str) -> None:
    """Give what is chosen for a set to the id that it has now, unless something is chosen for that; comments stay.

    Raises:
        LookError: as `read_choices`.
    """
    choices = read_choices(path)
    if old not in choices or new in choices:
        return
    wanted = {new if scene == old else scene: choice for scene, choice in choices.items()}
    ways = "|".join(map(re.escape, (_toml(old), json.dumps(old), f"'{old}'", old)))
    header = re.compile(rf"^(\s*\[\s*)(?:{ways})(?=\s*\])", re.MULTILINE)
    text = header.sub(lambda found: found[1] + _toml(new), path.read_text(encoding="utf-8"))
    try:
        renamed = tomllib.loads(text) == wanted
    except ValueError:
        renamed = False
    if renamed:
        write_text(path, text)
    else:
        write_choices(path, wanted)


def chosen(options: FuseOptions, choice: Choice) -> FuseOptions:
    """The options with what is chosen for one set in their place; a look replaces all controls.

    Raises:
        LookError: something is no choice, or of another type or out of its range.

    >>> chosen(FuseOptions(), {"look": "neutral", "saturation": 1.5}).controls.saturation
    1.5
    """
    if unknown := sorted(choice.keys() - {LOOK, *RANGES, *OTHERS}):
        known = ", ".join([LOOK, *RANGES, *OTHERS])
        raise LookError(f"{printable(unknown[0])}: expected one of {known}")
    try:
        controls = named_look(str(choice[LOOK])) if LOOK in choice else options.controls
        controls = replace(controls, **{name: choice[name] for name in RANGES if name in choice})
        others = {name: choice[name] for name in OTHERS if name in choice}
        others |= {"reference": str(choice["reference"])} if "reference" in choice else {}
        found = replace(options, controls=controls, **others)
    except (TypeError, ValueError) as error:
        raise LookError(str(error)) from error
    for name, wanted in _CHECKED.items():
        if (value := getattr(found, name)) not in wanted:
            raise LookError(f"{name}: expected one of {', '.join(map(json.dumps, wanted))}, got {value!r}")
    return found


def _toml(value: Any) -> str:
    """A text, number or truth value, which JSON writes as TOML does."""
    return json.dumps(value, ensure_ascii=False)
