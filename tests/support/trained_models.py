"""What stages `train` and `evaluate` leave, with random weights, and its publication."""

from __future__ import annotations

import json
from pathlib import Path

import mlflow
from support.pictures import random_model

from deepfuse import registry
from deepfuse.model import write_model
from deepfuse.training.fit import Epoch, history_csv

PARAMS = {"train": {"epochs": 2}, "model": {"arch": "paper"}}


def trained(folder: Path, seed: int) -> tuple[Path, Path]:
    """The folders of stages `train` and `evaluate`, with random weights."""
    write_model(random_model(seed), folder / "model")
    (folder / "model/history.csv").write_text(history_csv((Epoch(1, 1e-3, 0.3, None), Epoch(2, 1e-4, 0.2, 0.9))))
    (folder / "model/provenance.json").write_text("{}")
    (folder / "report").mkdir()
    metrics = {"scenes": 1, "mef_ssim": {"model": 0.9 + seed / 100, "average": 0.8}}
    (folder / "report/metrics.json").write_text(json.dumps(metrics))
    return folder / "model", folder / "report"


def publish(folder: Path, seed: int = 0) -> str:
    model = folder / f"{seed}" / "model"
    report = model.parent / "report"
    if not model.exists():
        trained(model.parent, seed)
    return registry.publish(model, report, key=f"key{seed}", params=PARAMS)


def registered() -> list[str]:
    return [str(version.version) for version in mlflow.MlflowClient().search_model_versions("name='deepfuse'")]
