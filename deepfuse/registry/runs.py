"""A run of MLflow with all that made a model, and the model as a server loads it."""

from __future__ import annotations

import base64
import json
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version as library_version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepfuse.fusion.looks import DEFAULT_LOOK
from deepfuse.model import read_model
from deepfuse.registry.artifact import FILES_TAG, files_digest
from deepfuse.registry.card import DATA
from deepfuse.registry.connection import KEY_TAG
from deepfuse.registry.golden import AS_THEY_ARE, EXPOSURES, write_golden
from deepfuse.registry.lineage import dataset_inputs, read_json
from deepfuse.registry.live import begun_run, create_run, log_history
from deepfuse.registry.previews import copy_light
from deepfuse.training.identity import training_id

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel, Run

MODEL_TAG = "deepfuse.model_uri"  # the last thing that is logged: a run with it is complete
PACKAGE = Path(__file__).parents[1]
PROVENANCE = "provenance.json"  # beside the weights
TABLE = "evaluation.json"
REQUIREMENTS = (
    "imagecodecs",
    "mlflow",
    "numpy",
    "opencv-python-headless",
    "pebble",
    "pi-heif",
    "pillow",
    "prometheus-client",
    "psutil",
    "rawpy",
    "safetensors",
    "threadpoolctl",
    "tifffile",
    "torch",
)


def log_run(
    client: MlflowClient,
    model: Path,
    report: Path,
    metrics: Path,
    key: str,
    params: Mapping[str, Any],
    data: Mapping[str, Any],
) -> str:
    """Log a run with everything.

    Args:
        client: of the MLflow that gets it.
        model: the folder of stage `train`.
        report: the folder of stage `evaluate`.
        metrics: the folder of small results of both, which lie in git.
        key: names the model by its content.
        params: the parameters, by section.
        data: what is known of the brackets.

    Returns:
        The address of the logged model, `models:/ID`.
    """
    run_id = _begin(client, read_json(model / PROVENANCE), key)
    try:
        _log_origin(client, run_id, model, data)
        uri = _log(client, client.get_run(run_id), model, report, metrics, params)
    except BaseException:
        client.set_terminated(run_id, "FAILED")
        raise
    client.set_terminated(run_id)
    return uri


def _begin(client: MlflowClient, provenance: Mapping[str, Any], key: str) -> str:
    """The run in which the training was followed, if it was, or a new one; from now on it is that of the model."""
    followed = begun_run(client, training_id(provenance)) if provenance else None
    if followed is None:
        return create_run(client, {KEY_TAG: key})
    client.set_tag(followed, KEY_TAG, key)
    return followed


def _log(client: MlflowClient, run: Run, model: Path, report: Path, metrics: Path, params: Mapping[str, Any]) -> str:
    from mlflow.entities import LoggedModelOutput, Metric, Param

    run_id, experiment = run.info.run_id, run.info.experiment_id
    known = {name: str(value) for name, value in flat(params).items()}
    logged = client.create_logged_model(experiment, name="model", source_run_id=run_id, params=known)
    client.log_outputs(run_id, [LoggedModelOutput(logged.model_id, step=0)])
    client.log_batch(run_id, params=[Param(name, value) for name, value in known.items()])
    now_ms = int(time.time() * 1000)
    measured = json.loads((metrics / "metrics.json").read_text(encoding="utf-8"))
    of_model = {"model_id": logged.model_id, "run_id": run_id}
    client.log_batch(
        run_id, metrics=[Metric(name, value, now_ms, 0, **of_model) for name, value in flat(measured).items()]
    )
    log_history(client, run_id, metrics / "history.csv")
    _log_evaluation(client, run_id, metrics / "scenes.csv", list(measured.get("mef_ssim", ())))
    with tempfile.TemporaryDirectory() as temporary:
        copy_light(report, Path(temporary))
        client.log_artifacts(run_id, temporary, "report")
    client.log_artifacts(run_id, str(metrics), "metrics")
    client.log_artifacts(run_id, str(model), "training")
    with tempfile.TemporaryDirectory() as temporary:
        _save_pyfunc(Path(temporary), model, logged)
        client.set_tag(run_id, FILES_TAG, files_digest(Path(temporary) / "pyfunc"))
        client.log_model_artifacts(logged.model_id, f"{temporary}/pyfunc")
    client.finalize_logged_model(logged.model_id, "READY")
    client.set_tag(run_id, MODEL_TAG, logged.model_uri)
    return str(logged.model_uri)


def _log_origin(client: MlflowClient, run_id: str, model: Path, data: Mapping[str, Any]) -> None:
    """What the model was trained on."""
    client.log_dict(run_id, dict(data), DATA)
    if datasets := dataset_inputs(read_json(model / PROVENANCE), data):
        client.log_inputs(run_id, datasets)


def _save_pyfunc(folder: Path, model: Path, logged: LoggedModel) -> None:
    """Code plus safetensors, in `folder/pyfunc`: nothing is pickled, and the model carries the package it needs."""
    from mlflow import pyfunc
    from mlflow.models import Model

    staged, golden = folder / "model", folder / "golden"
    shutil.copytree(model, staged)  # the folder's name is part of the logged model
    write_golden(golden, read_model(model))
    row = {"exposures": [base64.b64encode((golden / name).read_bytes()).decode() for name in EXPOSURES]}
    identity: dict[str, Any] = {"model_id": logged.model_id, "model_uuid": logged.model_id}
    pyfunc.save_model(
        path=str(folder / "pyfunc"),
        mlflow_model=Model(logged.artifact_location, run_id=logged.source_run_id, **identity),
        python_model=str(PACKAGE / "serving" / "pyfunc.py"),
        artifacts={"model": str(staged), "golden": str(golden)},
        code_paths=[str(PACKAGE)],
        signature=_signature(),
        input_example=([row], AS_THEY_ARE),
        pip_requirements=[f"{name}=={library_version(name).partition('+')[0]}" for name in REQUIREMENTS],
    )
    for compiled in (folder / "pyfunc").rglob("__pycache__"):
        shutil.rmtree(compiled)


def _signature() -> Any:
    """A bracket a row: encoded photos in, an encoded picture out; pixels as JSON would be many times as large.

    The model checks its input by itself: MLflow would copy all of it into arrays first, four bytes a character, and
    answer what is wrong with a stack.
    """
    from mlflow import types
    from mlflow.models import ModelSignature

    text, flag, anything = types.DataType.string, types.DataType.boolean, types.schema.AnyType()  # type: ignore[no-untyped-call]
    params = [types.ParamSpec(name, flag, True) for name in ("align", "deghost")]
    return ModelSignature(
        inputs=types.Schema([types.ColSpec(anything, "exposures", required=False)]),
        outputs=types.Schema([types.ColSpec(text, "fused"), types.ColSpec(anything, "record")]),
        params=types.ParamSchema([*params, types.ParamSpec("look", text, DEFAULT_LOOK)]),
    )


def _log_evaluation(client: MlflowClient, run_id: str, scenes: Path, methods: Sequence[str]) -> None:
    """The table of every test scene and method, which MLflow's page shows, filters, and compares among runs.

    `mlflow.models.evaluate` makes such a table too, but of measures of its own, for numbers, classes and text.
    """
    from deepfuse.evaluation.report import read_scores  # slow, and fusing needs it not

    rows = [
        {"scene": scene, "method": method, **score}
        for method in methods
        for scene, score in read_scores(scenes, method).items()
    ]
    if rows:
        client.log_table(run_id, {name: [row[name] for row in rows] for name in rows[0]}, TABLE)


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested values by their dotted names."""
    result: dict[str, Any] = {}
    for name, value in values.items():
        result.update(flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {f"{prefix}{name}": value})
    return result
