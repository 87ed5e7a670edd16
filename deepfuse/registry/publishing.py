"""A trained model becomes a registered version, once, whatever is killed in between."""

from __future__ import annotations

import base64
import csv
import json
import shutil
import tempfile
from collections.abc import Mapping
from importlib.metadata import version as library_version
from pathlib import Path
from types import ModuleType
from typing import Any

from deepfuse.errors import ModelError
from deepfuse.model import read_model
from deepfuse.registry.connection import CHALLENGER, EXPERIMENT, KEY_TAG, NAME, connect, reaching
from deepfuse.registry.golden import AS_THEY_ARE, EXPOSURES, write_golden

MODEL_TAG = "deepfuse.model_uri"  # the last thing that is logged: a run with it is complete
PACKAGE = Path(__file__).parents[1]
REQUIREMENTS = (
    "imagecodecs",
    "mlflow",
    "numpy",
    "opencv-python-headless",
    "pi-heif",
    "pillow",
    "rawpy",
    "safetensors",
    "tifffile",
    "torch",
)


@reaching()
def publish(
    model: Path, report: Path, *, key: str, params: Mapping[str, Any], tags: Mapping[str, str] | None = None
) -> str:
    """Log a trained model with all that made it, register it, and alias it `challenger`.

    Each step is skipped if it was done before. Two that publish the same model at once may both register it; the lower
    version stays, for both of them.

    Args:
        model: the folder of stage `train`: weights, `history.csv`, `provenance.json`.
        report: the folder of stage `evaluate`.
        key: names the model by its content; the same key is published once.
        params: the parameters, by section.
        tags: more tags of the version.

    Returns:
        The version, an old one if the key was published before.

    Raises:
        Unreachable: MLflow cannot be reached; publishing again goes on from there.
    """
    mlflow = connect()
    client = mlflow.MlflowClient()
    version = published_version(key)
    if version is None:
        uri = _logged(mlflow, key) or _log(mlflow, model, report, key, params)
        mlflow.register_model(uri, NAME, tags={KEY_TAG: key})
        version = published_version(key)
    if version is None:
        raise ModelError(f"expected the model {key} to be registered, got no version of '{NAME}'")
    for name, value in (tags or {}).items():
        client.set_model_version_tag(NAME, version, name, value)
    client.set_registered_model_alias(NAME, CHALLENGER, version)
    return version


@reaching()
def published_version(key: str) -> str | None:
    """The registered version of the model with this key, its doubles removed; `None` if it was never published."""
    client = connect().MlflowClient()
    found = client.search_model_versions(f"name='{NAME}' and tags.`{KEY_TAG}`='{key}'")
    numbers = sorted(int(version.version) for version in found)
    for double in numbers[1:]:
        client.delete_model_version(NAME, str(double))
    return str(numbers[0]) if numbers else None


def _logged(mlflow: ModuleType, key: str) -> str | None:
    """The model of a run that was logged whole but not registered; runs that were killed are marked as failed."""
    client = mlflow.MlflowClient()
    experiment = client.get_experiment_by_name(EXPERIMENT)
    found = client.search_runs([experiment.experiment_id], f"tags.`{KEY_TAG}`='{key}'") if experiment else []
    for run in found:
        if MODEL_TAG in run.data.tags:
            return str(run.data.tags[MODEL_TAG])
        if run.info.status == "RUNNING":
            client.set_terminated(run.info.run_id, "FAILED")
    return None


def _log(mlflow: ModuleType, model: Path, report: Path, key: str, params: Mapping[str, Any]) -> str:
    """A run with everything; returns the address of the logged model."""
    mlflow.set_experiment(EXPERIMENT)
    with mlflow.start_run(tags={KEY_TAG: key}) as run:
        mlflow.log_params(flat(params))
        mlflow.log_metrics(flat(json.loads((report / "metrics.json").read_text(encoding="utf-8"))))
        _log_history(mlflow, run.info.run_id, model / "history.csv")
        mlflow.log_artifacts(str(report), "report")
        mlflow.log_artifacts(str(model), "training")
        uri = _log_pyfunc(mlflow, model)
        mlflow.set_tag(MODEL_TAG, uri)
    return uri


def _log_pyfunc(mlflow: ModuleType, model: Path) -> str:
    """Code plus safetensors: nothing is pickled, and the model carries the package it needs."""
    with tempfile.TemporaryDirectory() as temporary:
        staged, golden = Path(temporary) / "model", Path(temporary) / "golden"
        shutil.copytree(model, staged)  # the folder's name is part of the logged model
        write_golden(golden, read_model(model))
        row = {"exposures": [base64.b64encode((golden / name).read_bytes()).decode() for name in EXPOSURES]}
        logged = mlflow.pyfunc.log_model(
            name="model",
            python_model=str(PACKAGE / "serving" / "pyfunc.py"),
            artifacts={"model": str(staged), "golden": str(golden)},
            code_paths=[str(PACKAGE)],
            signature=_signature(mlflow),
            input_example=([row], AS_THEY_ARE),
            pip_requirements=[f"{name}=={library_version(name).partition('+')[0]}" for name in REQUIREMENTS],
        )
    return str(logged.model_uri)


def _signature(mlflow: ModuleType) -> Any:
    """A bracket a row: encoded photos in, an encoded picture out; pixels as JSON would be many times as large."""
    types = mlflow.types
    text = types.DataType.string
    return mlflow.models.ModelSignature(
        inputs=types.Schema([types.ColSpec(types.schema.Array(text), "exposures")]),
        outputs=types.Schema([types.ColSpec(text, "fused"), types.ColSpec(types.schema.AnyType(), "record")]),
        params=types.ParamSchema([types.ParamSpec(name, types.DataType.boolean, True) for name in AS_THEY_ARE]),
    )


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


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested values by their dotted names."""
    result: dict[str, Any] = {}
    for name, value in values.items():
        result.update(flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {f"{prefix}{name}": value})
    return result
