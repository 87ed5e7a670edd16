"""The registry on a real sqlite MLflow."""

from __future__ import annotations

import json
from pathlib import Path

import mlflow
import numpy as np
import pytest
import torch
from conftest import random_model

from deepfuse import fuse, load_model, registry
from deepfuse.errors import ModelError
from deepfuse.model import write_model
from deepfuse.training import Epoch, history_csv

PARAMS = {"train": {"epochs": 2}, "model": {"arch": "paper"}}


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def trained(folder: Path, seed: int) -> tuple[Path, Path]:
    """The folders of stages `train` and `evaluate`, with random weights."""
    write_model(random_model(seed), folder / "model")
    (folder / "model/history.csv").write_text(history_csv((Epoch(1, 1e-3, 0.3, None), Epoch(2, 1e-4, 0.2, 0.9))))
    (folder / "model/provenance.json").write_text("{}")
    (folder / "report").mkdir()
    (folder / "report/metrics.json").write_text(json.dumps({"scenes": 1, "mef_ssim": {"model": 0.9}}))
    return folder / "model", folder / "report"


def test_a_published_model_comes_back_and_is_published_once(tmp_path: Path) -> None:
    model, report = trained(tmp_path, 0)
    assert registry.champion_version() is None
    version = registry.publish(model, report, key="abc", params=PARAMS)
    assert registry.champion_version() is None
    assert registry.publish(model, report, key="abc", params=PARAMS) == version
    assert len(mlflow.MlflowClient().search_model_versions("name='deepfuse'")) == 1

    registry.promote(version)
    assert registry.champion_version() == version
    expected, served = load_model(model), load_model("models:/deepfuse@champion")
    luma = torch.rand(1, 2, 16, 16)
    assert torch.equal(served.cpu()(luma), expected.cpu()(luma))

    run = mlflow.get_run(mlflow.MlflowClient().get_model_version("deepfuse", version).run_id)
    assert run.data.params == {"train.epochs": "2", "model.arch": "paper"}
    assert run.data.metrics["mef_ssim.model"] == 0.9
    history = mlflow.MlflowClient().get_metric_history(run.info.run_id, "train_loss")
    assert [(metric.step, metric.value) for metric in history] == [(1, 0.3), (2, 0.2)]

    frames = np.random.default_rng(0).integers(0, 256, (3, 40, 50, 3), dtype=np.uint8)
    pyfunc = mlflow.pyfunc.load_model("models:/deepfuse@champion")
    assert (pyfunc.predict(frames) == fuse(list(frames), model=expected)).all()


def test_the_registered_model_holds_no_pickle(tmp_path: Path) -> None:
    registry.publish(*trained(tmp_path, 0), key="abc", params=PARAMS)
    files = {path.name for path in (tmp_path / "mlruns").rglob("*") if path.is_file()}
    assert "model.safetensors" in files
    assert not {name for name in files if name.endswith((".pkl", ".pickle", ".pt", ".pth"))}


def test_a_verdict_is_kept_with_its_version(tmp_path: Path) -> None:
    version = registry.publish(*trained(tmp_path, 0), key="abc", params=PARAMS)
    registry.record_verdict(version, "not promoted: worse")
    tags = mlflow.MlflowClient().get_model_version("deepfuse", version).tags
    assert tags[registry.VERDICT_TAG] == "not promoted: worse"


def test_no_registry_is_said_and_none_is_made(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"mlflow\.db"):
        load_model("models:/deepfuse@champion")
    assert list(tmp_path.iterdir()) == []


def test_no_such_model_or_alias_is_said(tmp_path: Path) -> None:
    registry.publish(*trained(tmp_path, 0), key="abc", params=PARAMS)
    for uri in ("models:/deepfuse@champion", "models:/other/1"):
        with pytest.raises(ModelError, match=uri):
            load_model(uri)
