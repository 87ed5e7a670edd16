"""`tidy` on a small checkout with brackets in DVC."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from support.projects import ROOT, run_dvc

from flows.retention import tidy


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


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout: one content of a bracket in a commit, one that nobody recorded, and one as it is now."""
    house = tmp_path / "house"
    shutil.copytree(ROOT / ".dvc", house / ".dvc", ignore=shutil.ignore_patterns("cache", "tmp"))
    monkeypatch.chdir(house)
    git("init", "-q")
    add("committed")
    git("add", ".dvc/config", "data")
    git("commit", "-qm", "first")
    add("in no commit")
    add("as it is now")
    return house


def cached() -> set[str]:
    files = [path for path in Path(".dvc/cache/files").rglob("*") if path.is_file() and path.suffix != ".dir"]
    return {path.read_text() for path in files}


def test_what_no_commit_has_and_nothing_here_goes(house: Path) -> None:
    everything = {"committed", "in no commit", "as it is now"}
    tidy(keep=1, remove=False)
    assert cached() == everything
    tidy(keep=1, remove=True)
    assert cached() == everything - {"in no commit"}
    assert Path("data/raw/attic/1.dng").read_text() == "as it is now"
