"""DVC's state of a checkout lies in the checkout, where nobody else writes."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.projects import ROOT, run_dvc

KEPT = Path(".deepfuse/dvc/repo/README")


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Path]:
    """What git has of DVC's files, with a stage of its own."""
    clone = tmp_path / "clone"
    for name in (Path(".dvc/config"), Path(".dvcignore"), KEPT):
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, clone / name)
    subprocess.run(["git", "init", "-q"], cwd=clone, check=True)
    (clone / "dvc.yaml").write_text("stages:\n  one:\n    cmd: echo 1 > one\n    outs: [one]\n")
    before = os.umask(0o022)
    yield clone
    os.umask(before)


def test_it_lies_in_the_checkout_where_nobody_else_writes(clone: Path) -> None:
    run_dvc(clone, "repro")
    [state] = [path for path in (clone / KEPT).parent.iterdir() if path.is_dir()]
    assert list(state.rglob("cache.db"))
    shared = [Path(place, "dvc/repo", state.name) for place in ("/var/tmp", "/var/cache", "/Library/Caches")]
    assert not any(path.exists() for path in shared)
    others = stat.S_IWGRP | stat.S_IWOTH
    assert [path for path in (clone / ".deepfuse").rglob("*") if path.stat().st_mode & others] == []


def test_git_has_the_folder_that_dvc_would_open_to_all() -> None:
    if (ROOT / ".git").exists():
        subprocess.run(["git", "ls-files", "--error-unmatch", KEPT], cwd=ROOT, check=True, capture_output=True)
    assert (ROOT / KEPT).is_file()
