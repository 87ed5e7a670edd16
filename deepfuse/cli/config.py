"""`deepfuse config`: where the file of one's own defaults is, what it says, and an example of it."""

from __future__ import annotations

import argparse
import json
from typing import Any

from deepfuse.bracket import printable
from deepfuse.cli.configured import COMMANDS, VARIABLE, config_file, read_config
from deepfuse.cli.options import Commands, add_command

DESCRIPTION = f"""Say where your configuration file is and what it sets. It holds defaults of options in TOML: those at
the top are of all commands that have the option, those below [batch] of batch alone. What the command line says goes
before it; --no-config leaves it out, and so does {VARIABLE} when it is empty, which else names another file. It is read
by {", ".join(COMMANDS)}, and by nothing else."""
EXAMPLE = """\
# Defaults for the options of deepfuse: each without its dashes, with what it takes. Remove the # of what you want.
# `deepfuse COMMAND --help` has all of them; flags such as --save-masks take true or false.

# Of all commands that have the option:
# look = "punchy"             # natural, punchy, real-estate, night or the whole path of a TOML file
# quality = "best"
# profile = "srgb"
# crop = "common"
# if-unaligned = "drop"
# white-balance = "daylight"
# jpeg-quality = 92

# Of one command alone, before those above:
[batch]
# format = "jpg"
# jobs = 2

[watch]
# format = "jpg"
# settle = 10

[web]
# no-browser = true

[brackets]
# prefer = "jpeg"
"""


def add(commands: Commands) -> None:
    """Add the subcommand."""
    command = add_command(commands, "config", run, help="your own defaults for the options of these commands")
    command.description = DESCRIPTION
    command.add_argument("--example", action="store_true", help="print an example of the file, with comments")


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Read it and say what holds."""
    if options.example:
        return {"example": EXAMPLE, "text": EXAMPLE.removesuffix("\n")}
    file = config_file()
    if file is None:
        return {"file": None, "there": False, "options": {}, "text": f"none: {VARIABLE} is empty"}
    name, there = printable(str(file)), file.is_file()
    set_to = {command: values for command, values in read_config(file, options.parser).items() if values}
    lines = [name if there else f"{name} is not there; `deepfuse config --example` prints one to begin with"]
    for command, values in set_to.items():
        lines += [
            "",
            f"[{command}]",
            *(f"{key.replace('_', '-')} = {json.dumps(value)}" for key, value in values.items()),
        ]
    return {"file": name, "there": there, "options": set_to, "text": "\n".join(lines)}
