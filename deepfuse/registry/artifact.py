"""What was published of a model, by the hash of its files, and whether the registry still has just that.

A version carries code, and whoever writes into the store of its files could change it. The hash is with the version, in
MLflow's database: who writes there is trusted.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from deepfuse.errors import ModelError
from deepfuse.files import file_digest, json_digest

FILES_TAG = "deepfuse.files_sha256"
LEFT_BEHIND = ("__pycache__", "registered_model_meta")  # by Python and MLflow, where a server runs a version in place


def files_digest(folder: Path) -> str:
    """The SHA-256 of names and contents of all files below a folder, in hexadecimal, but for what servers leave.

    Raises:
        ModelError: there is a link or another thing that is no file; no model has one.
    """
    found: dict[str, str] = {}
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in LEFT_BEHIND]
        paths = [Path(place, name) for name in (*folders, *files) if name not in LEFT_BEHIND]
        if odd := [path for path in paths if path.is_symlink() or not (path.is_dir() or path.is_file())]:
            raise ModelError(f"{odd[0].relative_to(folder)}: expected a file or a folder, got a link or another thing")
        found |= {path.relative_to(folder).as_posix(): file_digest(path) for path in paths if path.is_file()}
    return json_digest(found)


def check_files(name: str, folder: Path, published: str | None) -> None:
    """Compare the files of a version with what was published, before any of it is read or run.

    What servers leave there is no part of it, and is removed: Python would run bytecode instead of the code.

    Args:
        name: what errors call it.
        folder: its files, as they come from the registry.
        published: the value of its tag `FILES_TAG`.

    Raises:
        ModelError: it has no such tag, or the files are others.
    """
    for path in [path for name in LEFT_BEHIND for path in folder.rglob(name)]:
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    got = files_digest(folder)
    if published is None:
        what = f"the tag {FILES_TAG}, which publishing sets, got none"
        raise ModelError(f"{name}: expected {what}; if you trust what the registry has, set it to {got}")
    if got != published:
        raise ModelError(
            f"{name}: its files are not those that were published: expected SHA-256 {published}, got {got}"
        )
