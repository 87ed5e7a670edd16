"""A checkout with nothing but recorded brackets, which its remote has too, for what DVC alone does."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from support.projects import ROOT, run_dvc

RAW = Path("data/raw")
CACHE = Path(".dvc/cache/files/md5")
REMOTE = Path("../remote/files/md5")
WHOLE = {f"{name}/0{number}.dng": f"{name} {number}" for name in ("attic", "barn", "cave") for number in range(2)}
STAGE = "stages: {evaluate: {cmd: cp -r data/raw/attic data/report, deps: [data/raw], outs: [data/report]}}"


def make_checkout(folder: Path) -> None:
    """Three sets of two files in `data/raw`, a stage after them, and all of it on the remote `../remote`."""
    (folder / ".dvc").mkdir(parents=True)
    shutil.copy(ROOT / ".dvc/config", folder / ".dvc")
    (folder / "dvc.yaml").write_text(STAGE)
    for name, text in WHOLE.items():
        path = folder / RAW / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    run_dvc(folder, "config", "core.no_scm", "true")
    run_dvc(folder, "remote", "add", "--default", "store", "../remote")
    run_dvc(folder, "add", "data/raw")
    run_dvc(folder, "repro")
    run_dvc(folder, "push")


def contents(folder: Path = RAW) -> dict[str, str]:
    """The text of each file below a folder."""
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def drop(path: Path) -> None:
    """Delete what DVC made read-only."""
    path.chmod(0o644)
    path.unlink()


def git(*arguments: str) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(["git", *identity, *arguments], check=True, capture_output=True)


def add(content: str) -> None:
    """Another content of a bracket, which DVC tracks."""
    Path("data/raw/attic").mkdir(parents=True, exist_ok=True)
    photo = Path("data/raw/attic/1.dng")
    photo.unlink(missing_ok=True)
    photo.write_text(content)
    run_dvc(Path(), "add", "data/raw")


def make_house(folder: Path) -> None:
    """The working directory as a checkout: a bracket's content in a commit, one in none, and one as it is now."""
    shutil.copytree(ROOT / ".dvc", folder / ".dvc", ignore=shutil.ignore_patterns("cache", "tmp"), dirs_exist_ok=True)
    git("init", "-q")
    add("committed")
    git("add", ".dvc/config", "data")
    git("commit", "-qm", "first")
    add("in no commit")
    add("as it is now")


def cached() -> set[str]:
    files = [path for path in Path(".dvc/cache/files").rglob("*") if path.is_file() and path.suffix != ".dir"]
    return {path.read_text() for path in files}
