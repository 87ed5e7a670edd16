"""All that `dvc status` looks at, as one number: where that is the same, DVC's answer is the same, and it is not asked.

DVC goes through each folder once for every stage that reads or writes it, the same files several times.
"""

from __future__ import annotations

import hashlib
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deepfuse.notes import SETTLED_S
from deepfuse.params import read_yaml

ALWAYS = ("dvc.yaml", "dvc.lock", "params.yaml", "data/raw.dvc", ".dvcignore")
_LEFT_OUT = "__pycache__"  # as .dvcignore does


def standing(lock: Path) -> str | None:
    """What stands for every file that the stages in `dvc.lock` read or write, by sizes, numbers and times.

    Returns:
        `None` where one of them changed within the last seconds: it may change again and look the same.

    Raises:
        OSError: one of them cannot be looked at.
    """
    stages: dict[str, Any] = read_yaml(lock)["stages"]
    entries = [entry for stage in stages.values() for kind in ("deps", "outs") for entry in stage.get(kind, ())]
    sha256, newest = hashlib.sha256(), 0
    for top in sorted({*ALWAYS, *(str(entry["path"]) for entry in entries)}):
        for path, found in _files(top):
            newest = max(newest, found.st_mtime_ns, found.st_ctime_ns)
            line = f"{path}\0{found.st_size} {found.st_ino} {found.st_mtime_ns} {found.st_ctime_ns}\n"
            sha256.update(line.encode(errors="surrogateescape"))
    return sha256.hexdigest() if time.time() - newest / 1e9 > SETTLED_S else None


def _files(path: str) -> Iterator[tuple[str, os.stat_result]]:
    """A file, or the files below a folder in the order of their names; nothing where nothing is."""
    try:
        found = Path(path).stat()
    except FileNotFoundError:
        return
    if not stat.S_ISDIR(found.st_mode):
        yield path, found
        return
    with os.scandir(path) as entries:
        inside = sorted(entries, key=lambda entry: entry.name)
    for entry in inside:
        if entry.is_dir():
            if entry.name != _LEFT_OUT:
                yield from _files(entry.path)
        else:
            yield entry.path, entry.stat()
