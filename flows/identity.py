"""What this checkout is called on a Prefect server that others may use too: its names are those of no other checkout.

`DEEPFUSE_NAME` sets the name; without it a checkout makes one for itself, once. All other names are derived here, and
in `flows/prefect.yaml` from the same variable.
"""

from __future__ import annotations

import json
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

from deepfuse.errors import DeepfuseError
from deepfuse.files import write_json
from flows.login import PRIVATE, make_private

NAME = "DEEPFUSE_NAME"
ROOT = "DEEPFUSE_ROOT"
RECORD = PRIVATE / "name.json"
FLOW = "retrain"


@dataclass(frozen=True)
class Identity:
    """The names of one checkout: of its work pool and its deployment, and what its events are about."""

    name: str

    @property
    def deployment(self) -> str:
        """The deployment with its flow, as Prefect's commands name it."""
        return f"{FLOW}/{self.name}"

    @property
    def resource(self) -> str:
        """What its events are about."""
        return f"{self.name}.loop"

    @property
    def environment(self) -> dict[str, str]:
        """What `flows/prefect.yaml` and the runs have these names from."""
        return {NAME: self.name, ROOT: str(Path.cwd())}

    def event(self, what: str) -> str:
        """The name of an event, such as `brackets.arrived`."""
        return f"{self.name}.{what}"


def identity() -> Identity:
    """The names of the current folder's checkout.

    Raises:
        DeepfuseError: `DEEPFUSE_NAME` is no name for a work pool.
    """
    name = os.environ.get(NAME) or _own_name()
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]{0,99}", name, re.ASCII):
        raise DeepfuseError(f"{NAME}: expected letters, digits and ._- of up to 100 characters, got {name!r}")
    return Identity(name)


def _own_name() -> str:
    """The name on record, unless the record came here with a copy of another checkout: that one has the name."""
    make_private()
    here = PRIVATE.stat().st_ino  # stays where a checkout is moved
    for _ in range(2):
        try:
            record = json.loads(RECORD.read_text(encoding="utf-8"))
            if record["folder"] == here:
                return str(record["name"])
        except (OSError, ValueError, KeyError, TypeError):
            pass
        write_json(RECORD, {"name": f"deepfuse-{secrets.token_hex(4)}", "folder": here})
    raise DeepfuseError(f"{RECORD}: expected to read back what was written, got another")
