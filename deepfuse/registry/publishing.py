"""A trained model becomes a registered version, once, whatever is killed in between."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepfuse.errors import ModelError
from deepfuse.registry.artifact import FILES_TAG
from deepfuse.registry.card import describe
from deepfuse.registry.connection import CHALLENGER, KEY_TAG, connect, reaching
from deepfuse.registry.runs import MODEL_TAG, log_run
from deepfuse.registry.settings import model_name

if TYPE_CHECKING:
    from mlflow import MlflowClient

VERSIONS_TAG = "mlflow.modelVersions"  # from which MLflow's page of a logged model links to its versions


@reaching()
def publish(
    model: Path,
    report: Path,
    metrics: Path,
    *,
    key: str,
    params: Mapping[str, Any],
    data: Mapping[str, Any] | None = None,
    tags: Mapping[str, str] | None = None,
) -> str:
    """Log a trained model with all that made it, register it, and alias it `challenger`.

    Each step is skipped if it was done before. Two that publish the same model at once may both register it; the lower
    version stays, for both of them.

    Args:
        model: the folder of stage `train`: weights, `provenance.json`.
        report: the folder of stage `evaluate`.
        metrics: the folder of the numbers of both: `history.csv`, `metrics.json`, `scenes.csv`.
        key: names the model by its content; the same key is published once.
        params: the parameters, by section.
        data: what is known of the brackets, for the model card and MLflow's datasets.
        tags: more tags of the version.

    Returns:
        The version, an old one if the key was published before.

    Raises:
        Unreachable: MLflow cannot be reached; publishing again goes on from there.
    """
    client = connect()
    version = published_version(key)
    if version is None:
        uri = _logged(client, key) or log_run(client, model, report, metrics, key, params, data or {})
        _register(client, uri, key)
        version = published_version(key)
    if version is None:
        raise ModelError(f"expected the model {key} to be registered, got no version of '{model_name()}'")
    for name, value in (tags or {}).items():
        client.set_model_version_tag(model_name(), version, name, value)
    client.set_registered_model_alias(model_name(), CHALLENGER, version)
    if not client.get_model_version(model_name(), version).description:
        describe(version)
    return version


@reaching()
def published_version(key: str) -> str | None:
    """The registered version of the model with this key, its doubles removed; `None` if it was never published.

    One without the hash of its files, which the first releases did not write, does not count: nobody can check it.
    """
    client = connect()
    found = client.search_model_versions(f"name='{model_name()}' and tags.`{KEY_TAG}`='{key}'")
    numbers = sorted(int(version.version) for version in found if FILES_TAG in version.tags)
    for double in numbers[1:]:
        client.delete_model_version(model_name(), str(double))
    return str(numbers[0]) if numbers else None


def _logged(client: MlflowClient, key: str) -> str | None:
    """The model of a run that was logged whole but not registered; runs that were killed are marked as failed."""
    experiment = client.get_experiment_by_name(model_name())
    found = client.search_runs([experiment.experiment_id], f"tags.`{KEY_TAG}`='{key}'") if experiment else []
    for run in found:
        if {MODEL_TAG, FILES_TAG} <= run.data.tags.keys():
            return str(run.data.tags[MODEL_TAG])
        if run.info.status == "RUNNING":
            client.set_terminated(run.info.run_id, "FAILED")
    return None


def _register(client: MlflowClient, uri: str, key: str) -> None:
    """A new version of the registered model, of a logged one."""
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(model_name())
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    model = client.get_logged_model(uri.removeprefix("models:/"))
    # By its address: MLflow would look up a models:/ID where the whole process has its MLflow.
    tags = {KEY_TAG: key, FILES_TAG: client.get_run(str(model.source_run_id)).data.tags[FILES_TAG]}
    version = client.create_model_version(
        model_name(), model.artifact_location, model.source_run_id, tags=tags, model_id=model.model_id
    )
    known = json.loads(model.tags.get(VERSIONS_TAG, "[]"))
    known.append({"name": model_name(), "version": version.version})
    client.set_logged_model_tags(model.model_id, {VERSIONS_TAG: json.dumps(known)})
