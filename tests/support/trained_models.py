"""What stages `train` and `evaluate` leave, with random weights, and its publication."""

from __future__ import annotations

import json
from pathlib import Path

import mlflow
import numpy as np
from support.pictures import random_model
from support.scores import scored

from deepfuse import registry
from deepfuse.evaluation.report import scores_csv
from deepfuse.model import write_model
from deepfuse.photo import write_photo
from deepfuse.training.history import Epoch, history_csv

DATA = {"brackets": "data/raw", "scenes_train": 7}
PARAMS = {"train": {"epochs": 2}, "model": {"arch": "paper"}}


def trained(folder: Path, seed: int) -> tuple[Path, Path, Path]:
    """The folders of stages `train` and `evaluate` and of their metrics, with random weights."""
    write_model(random_model(seed), folder / "model")
    (folder / "metrics").mkdir()
    (folder / "metrics/history.csv").write_text(history_csv((Epoch(1, 1e-3, 0.3, None), Epoch(2, 1e-4, 0.2, 0.9))))
    patches = {"train": "ab" * 32, "val": "cd" * 32}
    (folder / "model/provenance.json").write_text(json.dumps({"arch": "paper", "patches": patches}))
    (folder / "report/fused").mkdir(parents=True)
    (folder / "report/index.html").write_text("the report")
    write_photo(folder / "report/fused/attic.tif", np.full((8, 2000, 3), 257 * 99, np.uint16))
    scores = {method: scored(mef_ssim=value) for method, value in (("model", 0.9 + seed / 100), ("average", 0.8))}
    (folder / "metrics/scenes.csv").write_text(scores_csv({"attic": scores}))
    metrics = {"scenes": 1, "mef_ssim": {"model": 0.9 + seed / 100, "average": 0.8}}
    (folder / "metrics/metrics.json").write_text(json.dumps(metrics))
    return folder / "model", folder / "report", folder / "metrics"


def publish(folder: Path, seed: int = 0) -> str:
    place = folder / f"{seed}"
    if not place.exists():
        trained(place, seed)
    return registry.publish(
        place / "model", place / "report", place / "metrics", key=f"key{seed}", params=PARAMS, data=DATA
    )


def registered() -> list[str]:
    return [str(version.version) for version in mlflow.MlflowClient().search_model_versions("name='deepfuse'")]
