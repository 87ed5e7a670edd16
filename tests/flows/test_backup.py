"""`backup` and the way back, on a small checkout with brackets in DVC and a registry."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from mlflow import MlflowClient
from support.projects import ROOT, run_dvc

from deepfuse import registry
from flows import raw
from flows.backup import backup
from flows.login import LOGIN


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


def test_a_backup_gives_the_checkout_back(house: Path, tmp_path: Path, empty_registry: Path) -> None:
    shutil.copy(empty_registry, house / "mlflow.db")
    client = MlflowClient(registry_uri := f"sqlite:///{house}/mlflow.db", registry_uri)
    run = client.create_run(client.create_experiment("deepfuse", artifact_location=f"{house}/mlruns/1")).info
    client.log_text(run.run_id, "weights", "model/model.safetensors")
    client.create_registered_model("deepfuse")
    client.create_model_version("deepfuse", f"{run.artifact_uri}/model", run.run_id)
    client.set_registered_model_alias("deepfuse", "champion", "1")
    LOGIN.parent.mkdir(parents=True)
    LOGIN.write_text("user:password\n")
    LOGIN.chmod(0o600)
    copy = tmp_path / "copy"
    backup(copy)
    known = {path: path.stat().st_ino for path in copy.glob("checkout/.dvc/cache/**/*") if path.is_file()}
    assert len(known) == 6
    assert copy.stat().st_mode & 0o077 == 0
    backup(copy)
    assert {path: path.stat().st_ino for path in known} == known, "what is there is not copied again"

    house.rename(tmp_path / "lost")
    git("clone", "-q", str(copy / "repository.bundle"), str(house))
    subprocess.run(["cp", "-a", f"{copy}/checkout/.", house], check=True)
    run_dvc(house, "checkout")
    assert (house / "data/raw/attic/1.dng").read_text() == "as it is now"
    raw.restore()
    assert (house / LOGIN).stat().st_mode & 0o777 == 0o600
    assert registry.champion_version() == "1"
    assert (client.download_artifacts(run.run_id, "model/model.safetensors", str(tmp_path))) is not None
