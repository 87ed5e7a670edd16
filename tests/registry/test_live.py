"""A run of MLflow that follows a training, and that the model's publication completes."""

from __future__ import annotations

import json
import time
from pathlib import Path

import mlflow
import pytest
from support.trained_models import publish, registered, trained

from deepfuse import registry
from deepfuse.training.history import Epoch, history_csv
from deepfuse.training.identity import training_id

FIRST, SECOND = Epoch(1, 1e-3, 0.3, None), Epoch(2, 1e-4, 0.2, 0.9)


@pytest.fixture
def training(tmp_path: Path, database: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """What the model is trained by that `publish` publishes, while MLflow looks at the machine often."""
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "0.05")
    model, _, _ = trained(tmp_path / "0", 0)
    return training_id(json.loads((model / "provenance.json").read_text()))


def history(folder: Path, *epochs: Epoch) -> Path:
    path = folder / "history.csv"
    path.write_text(history_csv(epochs))
    return path


def only_run() -> mlflow.entities.Run:
    [run] = mlflow.search_runs(experiment_names=["deepfuse"], output_format="list")
    return run


def steps() -> list[tuple[int, float]]:
    found = mlflow.MlflowClient().get_metric_history(only_run().info.run_id, "train_loss")
    return [(metric.step, metric.value) for metric in found]


def test_a_training_is_followed_and_its_model_has_the_same_run(tmp_path: Path, training: str) -> None:
    live = registry.LiveRun(training)
    live.log(history(tmp_path))
    assert steps() == []
    live.log(history(tmp_path, FIRST))
    assert (steps(), only_run().info.status) == ([(1, 0.3)], "RUNNING")
    for _ in range(2):
        live.log(history(tmp_path, FIRST, SECOND))
    while not any(name.startswith("system/cpu") for name in only_run().data.metrics):
        time.sleep(0.05)
    live.end(failed=False)
    assert only_run().info.status == "RUNNING"

    version = publish(tmp_path)
    run = only_run()
    assert mlflow.MlflowClient().get_model_version("deepfuse", version).run_id == run.info.run_id
    assert (steps(), run.info.status, run.data.tags[registry.KEY_TAG]) == ([(1, 0.3), (2, 0.2)], "FINISHED", "key0")
    assert run.data.metrics["mef_ssim.model"] == 0.9
    assert publish(tmp_path) == version

    registry.LiveRun(training).end(failed=True)  # trained again, as it was
    assert len(mlflow.search_runs(experiment_names=["deepfuse"], output_format="list")) == 2
    assert registered() == [version]


def test_a_training_that_was_killed_goes_on_in_its_run(tmp_path: Path, training: str) -> None:
    live = registry.LiveRun(training)
    live.log(history(tmp_path, FIRST))
    live.end(failed=True)
    assert only_run().info.status == "FAILED"
    live = registry.LiveRun(training)
    live.log(history(tmp_path, FIRST, SECOND))
    live.end(failed=False)
    assert (steps(), only_run().info.status) == ([(1, 0.3), (2, 0.2)], "RUNNING")


def test_a_training_that_was_killed_for_good_runs_no_more(training: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def statuses() -> dict[str, str]:
        found = mlflow.search_runs(experiment_names=["deepfuse"], output_format="list")
        return {run.data.tags["deepfuse.training"]: run.info.status for run in found}

    with monkeypatch.context() as elsewhere:  # where another one trains still
        elsewhere.setattr("socket.gethostname", lambda: "elsewhere")
        others = registry.LiveRun("of another machine")
    killed = registry.LiveRun("killed")
    live = registry.LiveRun(training)
    assert statuses() == {"of another machine": "RUNNING", "killed": "KILLED", training: "RUNNING"}
    for run in (others, killed, live):
        run.end(failed=True)


def test_a_training_that_nobody_followed_has_a_run_all_the_same(tmp_path: Path, training: str) -> None:
    registry.LiveRun("another").end(failed=True)
    version = publish(tmp_path)
    run = mlflow.get_run(mlflow.MlflowClient().get_model_version("deepfuse", version).run_id)
    assert run.info.status == "FINISHED"
    assert run.data.tags.get("deepfuse.training") is None


def test_an_mlflow_that_is_away_is_one_kind_of_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(registry.Unreachable, match="cannot be reached"):
        registry.LiveRun("0" * 16)
