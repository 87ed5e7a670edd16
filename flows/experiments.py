"""Parameters that nobody committed: somebody's experiment in this folder, which the next run takes for its own."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from deepfuse.params import read_yaml
from deepfuse.registry.runs import flat

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
        before, now = flat(read_yaml(committed)), flat(read_yaml(PARAMS))
    changes = [
        f"{name}: {before.get(name)} → {now.get(name)}"
        for name in sorted(before.keys() | now.keys())
        if before.get(name) != now.get(name)
    ]
    return ", ".join(changes)[:_LONGEST]
