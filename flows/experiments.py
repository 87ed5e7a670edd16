"""Parameters that nobody committed: somebody's experiment in this folder, which the next run takes for its own."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from deepfuse.params import read_yaml

PARAMS = Path("params.yaml")
_LONGEST = 1000  # characters: it becomes a tag


def uncommitted_params() -> str:
    """What differs between `params.yaml` and its last commit, as `train.epochs: 6 → 1`; empty without a commit."""
    done = subprocess.run(["git", "show", f"HEAD:./{PARAMS}"], capture_output=True, check=False)
    if done.returncode:
        return ""
    with tempfile.TemporaryDirectory() as folder:
        committed = Path(folder) / PARAMS.name
        committed.write_bytes(done.stdout)
        before, now = dict(_flat(read_yaml(committed))), dict(_flat(read_yaml(PARAMS)))
    changes = [
        f"{name}: {before.get(name)} → {now.get(name)}"
        for name in sorted(before.keys() | now.keys())
        if before.get(name) != now.get(name)
    ]
    return ", ".join(changes)[:_LONGEST]


def _flat(section: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in section.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
