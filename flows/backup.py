"""A copy of all that cannot be made again: commits, brackets, models, MLflow's database, and the login."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from deepfuse.files import replacing
from deepfuse.registry.settings import DEFAULT_DATABASE
from flows import pipeline
from flows.history import INPUTS
from flows.lock import only_run
from flows.login import LOGIN
from flows.logs import log

BUNDLE = "repository.bundle"
CHECKOUT = "checkout"  # what lies over a clone of the bundle
DVC_CACHE = Path(".dvc/cache")
OWN = (*(Path(name) for name in INPUTS), Path(".dvc/config.local"), LOGIN, Path("data/quarantine"), Path("mlruns"))


def backup(folder: Path) -> None:
    """Copy into a folder what it has not yet; a run that is under way is waited for, and none starts meanwhile.

    Nothing is removed there. Without a DVC remote the content of DVC's cache is copied too; with one it is there.

    Raises:
        RuntimeError: git has no commit to copy.
    """
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)  # it has the login
    target = folder / CHECKOUT
    with only_run():
        _bundle(folder / BUNDLE)
        _copy_database(DEFAULT_DATABASE, target / DEFAULT_DATABASE)
        for path in OWN if pipeline.has_remote() else (*OWN, DVC_CACHE):
            _copy(path, target / path)
    log("%s: what docs/operations.md restores a checkout from", folder)


def _bundle(target: Path) -> None:
    """All branches and tags, those of the loop too."""
    with replacing(target.absolute()) as temporary:
        done = subprocess.run(
            ["git", "bundle", "create", str(temporary), "--all", "HEAD"], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"git bundle: expected exit code 0, got {done.returncode}: {done.stderr.strip()}")


def _copy_database(source: Path, target: Path) -> None:
    """As it is between two writes of a server; a plain copy may have half of one."""
    if not source.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with (
        replacing(target) as temporary,
        closing(sqlite3.connect(source)) as database,
        closing(sqlite3.connect(temporary)) as copy,
    ):
        database.backup(copy)


def _copy(source: Path, target: Path) -> None:
    """A file or a folder; what lies there with the same size and time is left."""
    for path in sorted(source.rglob("*")) if source.is_dir() else [source]:
        into = target / path.relative_to(source)
        if path.is_file() and not path.is_symlink() and not _is_same(path, into):
            into.parent.mkdir(parents=True, exist_ok=True)
            with replacing(into) as temporary:
                shutil.copy2(path, temporary)


def _is_same(source: Path, target: Path) -> bool:
    if not target.exists():
        return False
    ours, theirs = source.stat(), target.stat()
    return (ours.st_size, int(ours.st_mtime)) == (theirs.st_size, int(theirs.st_mtime))
