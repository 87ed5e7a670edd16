"""The commit of a model's inputs, beside whatever the user is doing in the same repository."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from flows import history


def git(*arguments: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    return subprocess.run(["git", *identity, *arguments], check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture(autouse=True)
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    git("init", "-q", "-b", "main")
    for name in ("dvc.lock", "params.yaml", "README"):
        Path(name).write_text("one")
    git("add", ".")
    git("commit", "-qm", "start")
    return tmp_path


def branches() -> list[str]:
    return git("branch", "--format=%(refname:short)").splitlines()


def test_the_commit_holds_the_inputs_and_leaves_the_user_alone() -> None:
    Path("dvc.lock").write_text("two")
    Path("README").write_text("half written")
    Path("staged").write_text("by the user")
    git("add", "staged")
    before = git("status", "--porcelain"), git("rev-parse", "HEAD"), git("symbolic-ref", "HEAD")
    commit = history.commit("Retrain")
    assert commit is not None
    assert (git("status", "--porcelain"), git("rev-parse", "HEAD"), git("symbolic-ref", "HEAD")) == before
    assert git("show", f"{commit}:dvc.lock") == "two"
    assert git("show", f"{commit}:README") == "one"
    assert git("diff", "--name-only", "HEAD", commit) == "dvc.lock"
    (branch,) = set(branches()) - {"main"}
    assert branch.startswith("retrain/")
    assert git("rev-parse", branch) == commit


def test_the_same_inputs_are_committed_once_and_others_follow_them() -> None:
    assert history.commit("Retrain") == git("rev-parse", "HEAD")
    assert branches() == ["main"]
    Path("dvc.lock").write_text("two")
    first = history.commit("Retrain")
    assert history.commit("Retrain") == first
    Path("dvc.lock").write_text("three")
    second = history.commit("Retrain")
    assert git("rev-parse", f"{second}^") == first
    git("commit", "-qm", "user", "--allow-empty")
    Path("dvc.lock").write_text("four")
    third = history.commit("Retrain")
    assert git("rev-parse", f"{third}^@").splitlines() == [second, git("rev-parse", "HEAD")]


def test_a_branch_that_is_checked_out_is_not_moved() -> None:
    Path("dvc.lock").write_text("two")
    first = history.commit("Retrain")
    (branch,) = set(branches()) - {"main"}
    git("checkout", "-qf", branch)
    Path("dvc.lock").write_text("three")
    history.commit("Retrain")
    assert git("rev-parse", branch) == first
    assert f"{branch}.0" in branches()


def test_without_a_repository_nothing_is_committed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    (tmp_path / "bare").mkdir()
    monkeypatch.chdir(tmp_path / "bare")
    assert history.commit("Retrain") is None


def test_the_metrics_are_committed_as_they_are_now_and_a_gone_one_is_gone() -> None:
    Path("data/metrics").mkdir(parents=True)
    Path("data/metrics/metrics.json").write_text("{}")
    Path("data/metrics/old.csv").write_text("1")
    first = history.commit("Retrain")
    assert git("show", f"{first}:data/metrics/metrics.json") == "{}"
    Path("data/metrics/old.csv").unlink()
    second = history.commit("Retrain")
    assert git("diff", "--name-status", first or "", second or "") == "D\tdata/metrics/old.csv"
