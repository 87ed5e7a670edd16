"""Models and where they come from: MLflow runs, versions of the registered model, and its aliases."""

from __future__ import annotations

import csv
import json
import logging
import os
from collections.abc import Mapping
from importlib.metadata import version as library_version
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from deepfuse.errors import ModelError
from deepfuse.model import SHIPPED, WEIGHTS_FILE, Network, read_model

NAME = "deepfuse"
CHAMPION, CHALLENGER = "champion", "challenger"
KEY_TAG, VERDICT_TAG = "deepfuse.model_key", "deepfuse.verdict"
EXPERIMENT = "deepfuse"
DEFAULT_DATABASE = Path("mlflow.db")
PACKAGE = Path(__file__).parents[1]


def load_model(source: str | Path | None = None) -> Network:
    """A network ready to fuse.

    Args:
        source: as `model_folder` takes it.

    Raises:
        ModelError: it is not there, or is not what it says.
    """
    return read_model(model_folder(source))


def model_folder(source: str | Path | None = None) -> Path:
    """Where the files of a model lie.

    Args:
        source: `None` for the shipped weights, a folder with `model.safetensors` and `config.json`, that
            `model.safetensors` itself, or a registered model such as `models:/deepfuse@champion` or
            `models:/deepfuse/3`, which is downloaded.

    Raises:
        ModelError: the registered model cannot be had, or a file is no model's.
    """
    if source is None:
        return SHIPPED
    if str(source).startswith("models:/"):
        return _download(str(source))
    path = Path(source)
    if not path.is_file():
        return path
    if path.name != WEIGHTS_FILE:
        raise ModelError(f"{path}: expected a model folder or its {WEIGHTS_FILE}, got another file")
    return path.parent


def published_version(key: str) -> str | None:
    """The registered version of the model with this key; `None` if it was never published."""
    client = _mlflow().MlflowClient()
    versions = client.search_model_versions(f"name='{NAME}' and tags.`{KEY_TAG}`='{key}'")
    return str(versions[0].version) if versions else None


def publish(model: Path, report: Path, *, key: str, params: Mapping[str, Any]) -> str:
    """Log a trained model with all that made it, register it, and alias it `challenger`.

    Args:
        model: the folder of stage `train`: weights, `history.csv`, `provenance.json`.
        report: the folder of stage `evaluate`.
        key: names the model by its content; the same key is published once.
        params: the parameters, by section.

    Returns:
        The version, an old one if the key was published before.
    """
    version = published_version(key) or _register(model, report, key, params)
    _mlflow().MlflowClient().set_registered_model_alias(NAME, CHALLENGER, version)
    return version


def _register(model: Path, report: Path, key: str, params: Mapping[str, Any]) -> str:
    mlflow = _mlflow()
    mlflow.set_experiment(EXPERIMENT)
    with mlflow.start_run(tags={KEY_TAG: key}) as run:
        mlflow.log_params(_flat(params))
        mlflow.log_metrics(_flat(json.loads((report / "metrics.json").read_text(encoding="utf-8"))))
        _log_history(mlflow, run.info.run_id, model / "history.csv")
        mlflow.log_artifacts(str(report), "report")
        mlflow.log_artifacts(str(model), "training")
        logged = _log_pyfunc(mlflow, model)
    return str(mlflow.register_model(logged.model_uri, NAME, tags={KEY_TAG: key}).version)


def champion_version() -> str | None:
    """The version that `models:/deepfuse@champion` names; `None` if there is none yet."""
    mlflow = _mlflow()
    try:
        return str(mlflow.MlflowClient().get_model_version_by_alias(NAME, CHAMPION).version)
    except mlflow.exceptions.MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):  # no model, or no such alias
            return None
        raise


def promote(version: str) -> None:
    """Make a version the champion."""
    _mlflow().MlflowClient().set_registered_model_alias(NAME, CHAMPION, version)


def record_verdict(version: str, text: str) -> None:
    """Keep with a version what was decided of it."""
    _mlflow().MlflowClient().set_model_version_tag(NAME, version, VERDICT_TAG, text)


def _mlflow() -> ModuleType:
    """MLflow, imported when it is needed, on `MLFLOW_TRACKING_URI` or `mlflow.db` in the working directory."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    import mlflow

    if not os.environ.get("MLFLOW_TRACKING_URI"):
        mlflow.set_tracking_uri(f"sqlite:///{DEFAULT_DATABASE.absolute()}")
    return mlflow


def _download(uri: str) -> Path:
    if not os.environ.get("MLFLOW_TRACKING_URI") and not DEFAULT_DATABASE.exists():
        raise ModelError(
            f"{uri}: expected a registry in {DEFAULT_DATABASE.absolute()}, or MLFLOW_TRACKING_URI to be set"
        )
    mlflow = _mlflow()
    try:
        return Path(mlflow.artifacts.download_artifacts(uri)) / "artifacts" / "model"
    except (mlflow.exceptions.MlflowException, OSError) as error:
        raise ModelError(f"{uri}: cannot be loaded from {mlflow.get_tracking_uri()}: {error}") from error


def _log_pyfunc(mlflow: ModuleType, model: Path) -> Any:
    """Code plus safetensors: nothing is pickled, and the model carries the package it needs."""
    types = mlflow.types
    images = types.Schema([types.TensorSpec(np.dtype(np.uint8), (-1, -1, -1, 3))])
    fused = types.Schema([types.TensorSpec(np.dtype(np.uint8), (-1, -1, 3))])
    return mlflow.pyfunc.log_model(
        name="model",
        python_model=str(PACKAGE / "registry" / "served.py"),
        artifacts={"model": str(model)},
        code_paths=[str(PACKAGE)],
        signature=mlflow.models.ModelSignature(inputs=images, outputs=fused),
        input_example=np.stack([np.full((32, 32, 3), level, np.uint8) for level in (40, 200)]),
        pip_requirements=[f"{name}=={library_version(name).partition('+')[0]}" for name in _REQUIREMENTS],
    )


_REQUIREMENTS = ("mlflow", "numpy", "safetensors", "torch")


def _log_history(mlflow: ModuleType, run_id: str, path: Path) -> None:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    metrics = [
        mlflow.entities.Metric(name, float(value), 0, int(row["epoch"]))
        for row in rows
        for name, value in row.items()
        if name != "epoch" and value
    ]
    for start in range(0, len(metrics), 1000):
        mlflow.MlflowClient().log_batch(run_id, metrics=metrics[start : start + 1000])


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in values.items():
        flat.update(_flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {f"{prefix}{name}": value})
    return flat
