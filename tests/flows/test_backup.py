"""`backup` and the way back, on a small checkout with brackets in DVC and a registry."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from mlflow import MlflowClient
from support.checkouts import git
from support.projects import run_dvc

from deepfuse import registry
from flows import raw
from flows.backup import backup
from flows.login import LOGIN


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
