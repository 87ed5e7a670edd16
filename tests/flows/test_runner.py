"""A machine with the package and no checkout: the worker clones and pulls, or says what it wants."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.checkouts import RAW, WHOLE, contents, git
from support.projects import ROOT
from support.stores import Bucket

from deepfuse import cli
from deepfuse.exits import BAD_INPUT
from flows import pipeline, pulling
from flows.background import ServiceError

BECOMES = [sys.executable, "-m", "flows", "serve", "worker", "--pull"]


@pytest.fixture
def repository(checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bare repository of a small project with three brackets, and its remote beside it."""
    work = tmp_path / "work"
    shutil.copytree(checkout, work, ignore=shutil.ignore_patterns("cache", "tmp"))
    shutil.copytree(checkout.parent / "remote", tmp_path / "remote")
    for name in (".dvc/config", "params.yaml", ".gitignore"):  # a repository that names no remote
        shutil.copy(ROOT / name, work / name)
    shutil.copytree(ROOT / "flows", work / "flows", ignore=shutil.ignore_patterns("__pycache__"))
    (work / "data/.gitignore").write_text("/raw\n/report\n")
    monkeypatch.chdir(work)
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "start")
    git("clone", "-q", "--bare", str(work), str(tmp_path / "project.git"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "project.git"


@pytest.fixture
def became(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What the command became; this process stays, in its folder."""
    became: list[list[str]] = []
    for name in ("PREFECT_API_URL", "MLFLOW_TRACKING_URI"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setattr(os, "execv", lambda program, words: became.append(words) or sys.exit(0))
    return became


def worker(*arguments: str) -> None:
    with pytest.raises(SystemExit):
        cli.main(["worker", *arguments])


def test_a_worker_clones_pulls_and_goes_on_with_its_clone(
    repository: Path, became: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = str(tmp_path / "place")
    worker("--from", str(repository), "--remote", str(tmp_path / "remote"), place)
    assert became == [[*BECOMES, "--remote", str(tmp_path / "remote")]]
    assert Path.cwd() == Path(place)
    with pytest.raises(ServiceError, match="expected a DVC remote that has the brackets, got none: name it by --remot"):
        pulling.pull()
    pulling.pull(str(tmp_path / "remote"))
    assert contents() == WHOLE
    assert Path("data/report/00.dng").read_text() == "attic 0"
    assert pipeline.remote_name() == "store"  # from now on

    kept = Path("data/report/00.dng")
    kept.unlink()
    kept.write_text("of a run that goes on")
    monkeypatch.chdir(tmp_path)
    worker("--from", str(repository), place)
    assert became[1:] == [BECOMES]
    pulling.pull()
    assert kept.read_text() == "of a run that goes on"


def test_brackets_that_the_remote_has_not_are_said_before_any_run(
    repository: Path, became: list[list[str]], tmp_path: Path
) -> None:
    shutil.rmtree(tmp_path / "remote")
    worker("--from", str(repository), str(tmp_path / "place"))
    with pytest.raises(ServiceError, match=r"^DVC remote store: dvc fetch"):
        pulling.pull(str(tmp_path / "remote"))
    assert not RAW.exists()


def test_what_a_worker_wants_is_said(
    tmp_path: Path, became: list[list[str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def said(*arguments: str) -> str:
        assert cli.main(["worker", *arguments]) == BAD_INPUT
        return capsys.readouterr().err

    place = str(tmp_path / "place")
    assert "git clone: expected exit code 0, got 128" in said("--from", str(tmp_path / "nowhere"), place)
    other = tmp_path / "other"
    subprocess.run(["git", "init", "-q", str(other)], check=True)
    assert "expected the project with its loop, got no dvc.yaml" in said("--from", str(other), place)
    assert not Path(place).exists()
    assert "expected no folder, or a clone of" in said("--from", "https://there/project", str(tmp_path))
    monkeypatch.delenv("PREFECT_API_URL")
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    wanted = "a worker needs PREFECT_API_URL, the address of a server, and MLFLOW_TRACKING_URI, the address of a server"
    assert wanted in said("--from", str(other), place)
    assert became == []


def test_a_server_elsewhere_that_does_not_answer_is_named(repository: Path, tmp_path: Path) -> None:
    """The whole command, as a process of its own that becomes another."""
    settings = {"PREFECT_API_URL": "http://127.0.0.1:9/api", "MLFLOW_TRACKING_URI": "http://127.0.0.1:9"}
    command = [sys.executable, "-m", "deepfuse.cli", "worker", "--from", str(repository), str(tmp_path / "place")]
    done = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": str(ROOT), **settings}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "prefect: expected an answer from PREFECT_API_URL=http://127.0.0.1:9/api, got" in done.stderr


@pytest.mark.servers
def test_a_worker_pulls_from_a_bucket(
    repository: Path, became: list[list[str]], store: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in (tmp_path / "remote").rglob("*"):
        if path.is_file():
            store.client().upload_file(str(path), store.name, f"dvc/{path.relative_to(tmp_path / 'remote')}")
    for name, value in {**store.environment, "AWS_ENDPOINT_URL": store.url}.items():
        monkeypatch.setenv(name, value)
    worker("--from", str(repository), "--remote", f"s3://{store.name}/dvc", str(tmp_path / "place"))
    pulling.pull(f"s3://{store.name}/dvc")
    assert contents() == WHOLE
