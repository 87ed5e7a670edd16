"""Publishing to a real sqlite MLflow: complete, once, and under faults."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pytest
import torch
from support.trained_models import publish, registered

from deepfuse import load_model, registry
from deepfuse.evaluation import Verdict
from deepfuse.photo import read_photo
from deepfuse.registry import settings

TESTS = Path(__file__).parent
pytestmark = pytest.mark.usefixtures("workplace")


def test_a_published_model_comes_back_and_is_published_once(tmp_path: Path, database: Path) -> None:
    assert registry.champion_version() is None
    version = publish(tmp_path)
    assert registry.champion_version() is None
    assert publish(tmp_path) == registry.published_version("key0") == version
    assert registry.published_version("another") is None
    assert registered() == [version]

    assert registry.promote(version) == registry.Move(None, version)
    assert registry.champion_version() == version
    expected, served = load_model(tmp_path / "0/model"), load_model("models:/deepfuse@champion")
    luma = torch.rand(1, 2, 16, 16)
    assert torch.equal(served.cpu()(luma), expected.cpu()(luma))

    run = mlflow.get_run(mlflow.MlflowClient().get_model_version("deepfuse", version).run_id)
    assert run.data.params == {"train.epochs": "2", "model.arch": "paper"}
    assert run.data.metrics["mef_ssim.model"] == 0.9
    history = mlflow.MlflowClient().get_metric_history(run.info.run_id, "train_loss")
    assert [(metric.step, metric.value) for metric in history] == [(1, 0.3), (2, 0.2)]
    table = mlflow.MlflowClient().load_table(run.info.experiment_id, "evaluation.json", [run.info.run_id])
    assert [(row.scene, row.method, row.mef_ssim) for row in table.itertuples()] == [
        ("attic", "model", 0.9),
        ("attic", "average", 0.8),
    ]


def test_a_version_says_what_made_it_and_shows_small_pictures(tmp_path: Path, database: Path) -> None:
    version = publish(tmp_path)
    client = mlflow.MlflowClient()
    stored = client.get_model_version("deepfuse", version)
    datasets = {each.dataset.name: each for each in client.get_run(stored.run_id).inputs.dataset_inputs}
    assert set(datasets) == {"data/patches/train", "data/patches/val"}
    train = datasets["data/patches/train"]
    assert (train.dataset.digest, train.tags[0].value) == (("ab" * 32)[:36], "training")
    assert json.loads(train.dataset.source)["brackets"] == "data/raw"
    assert json.loads(train.dataset.profile)["sha256"] == "ab" * 32

    assert mlflow.artifacts.load_text(f"runs:/{stored.run_id}/model_card.md") == stored.description
    for said in (
        "# deepfuse, version 1",
        "Not judged yet",
        "| mef_ssim | 0.9000 | 0.8000 |",
        "scenes_train: 7",
        "key0",
    ):
        assert said in stored.description
    assert "reproduce" not in stored.description
    registry.tag_version(version, {registry.COMMIT_TAG: "c0ffee"})
    registry.record_verdict(version, Verdict(False, "worse"))
    description = client.get_model_version("deepfuse", version).description
    for said in ("not promoted: worse", "scenes_train: 7", "commit: c0ffee", "`deepfuse reproduce 1 FOLDER`"):
        assert said in description

    logged = Path(mlflow.artifacts.download_artifacts(f"runs:/{stored.run_id}/report"))
    assert {path.name for path in logged.rglob("*") if path.is_file()} == {"index.html", "attic.jpg"}
    small = read_photo(logged / "fused/attic.jpg")
    assert (small.shape, small.dtype) == ((2, 500, 3), np.uint8)
    assert np.abs(small.astype(int) - 99).max() <= 2


def test_the_registered_model_holds_no_pickle(tmp_path: Path, database: Path) -> None:
    publish(tmp_path)
    files = {path.name for path in (tmp_path / "mlruns").rglob("*") if path.is_file()}
    assert "model.safetensors" in files
    assert not {name for name in files if name.endswith((".pkl", ".pickle", ".pt", ".pth"))}


@pytest.mark.parametrize("step", ["log_batch", "log_model_artifacts", "set_tag", "create_model_version"])
def test_a_failure_at_any_step_is_made_good_by_the_next_call(
    tmp_path: Path, database: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(mlflow.MlflowClient, step, lambda *_, **__: (_ for _ in ()).throw(RuntimeError("fault")))
        with pytest.raises(RuntimeError, match="fault"):
            publish(tmp_path)
    assert registered() == []
    version = publish(tmp_path)
    assert registered() == [version]
    assert mlflow.MlflowClient().get_model_version_by_alias("deepfuse", "challenger").version == int(version)
    statuses = sorted(mlflow.search_runs(experiment_names=["deepfuse"])["status"])
    assert statuses == (["FINISHED"] if step == "create_model_version" else ["FAILED", "FINISHED"])


KILLED = """
import os, signal, sys
sys.path[:0] = {paths!r}
from mlflow import MlflowClient
from pathlib import Path
from support.trained_models import publish

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

MlflowClient.{step} = die
publish(Path({folder!r}))
"""


@pytest.mark.parametrize(
    ("step", "before", "statuses"),
    [("set_tag", [], ["FAILED", "FINISHED"]), ("set_registered_model_alias", ["1"], ["FINISHED"])],
)
def test_a_kill_at_any_step_is_made_good_by_the_next_call(
    tmp_path: Path, database: Path, step: str, before: list[str], statuses: list[str]
) -> None:
    code = KILLED.format(paths=[str(TESTS), str(TESTS.parent)], folder=str(tmp_path), step=step)
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == -signal.SIGKILL
    assert [version.number for version in registry.versions()] == before
    assert publish(tmp_path) == "1"
    assert registered() == ["1"]
    assert registry.versions()[0].aliases == ("challenger",)
    assert sorted(mlflow.search_runs(experiment_names=["deepfuse"])["status"]) == statuses


def test_two_at_once_leave_one_version(tmp_path: Path, database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    register = mlflow.MlflowClient.create_model_version

    def register_after_another(*arguments: Any, **options: Any) -> Any:
        register(*arguments, **options)  # what another process does between our look and our registration
        return register(*arguments, **options)

    monkeypatch.setattr(mlflow.MlflowClient, "create_model_version", register_after_another)
    assert publish(tmp_path) == "1"
    assert registered() == ["1"]


def environment() -> dict[str, str]:
    """But for what MLflow keeps there for itself."""
    return {name: value for name, value in os.environ.items() if not name.startswith("_MLFLOW")}


def test_the_mlflow_of_the_host_program_stays_its_own(
    tmp_path: Path, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = database.rename(tmp_path / "ours.db")
    monkeypatch.setattr(settings, "DEFAULT_DATABASE", Path("ours.db"))
    before, level = environment(), logging.getLogger("alembic").level
    version = publish(tmp_path)
    registry.promote(version)
    load_model("models:/deepfuse@champion")
    assert not mlflow.is_tracking_uri_set()
    assert mlflow.active_run() is None
    assert environment() == before
    assert logging.getLogger("alembic").level == level
    assert not database.exists(), "where MLflow of itself would be"
    stored = mlflow.MlflowClient(f"sqlite:///{ours}").get_model_version_by_alias("deepfuse", "champion")
    assert str(stored.version) == version
