"""The run of MLflow in which a training is followed: its curves, and what the machine does. Nothing depends on it.

`publish` completes the run of the training that made the model, where there is one.
"""

from __future__ import annotations

import csv
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepfuse.registry.connection import KEY_TAG, connect, reaching
from deepfuse.registry.settings import model_name, tracking_uri

if TYPE_CHECKING:
    from mlflow import MlflowClient

TRAINING_TAG = "deepfuse.training"
CHECKOUT_TAG = "deepfuse.checkout"  # where one training runs at a time
BATCH = 1000  # metrics that MLflow takes at once


class LiveRun:
    """The run of a training that goes on; one that was followed before is gone on with.

    Another one that runs still is of a training of this checkout that was killed and whose parameters have changed
    since: it ends as killed.

    Args:
        training: names it, as `training_id` does.

    Raises:
        Unreachable: MLflow cannot be reached.
    """

    @reaching()
    def __init__(self, training: str) -> None:
        # What `mlflow.start_run(log_system_metrics=True)` uses, whose run and address belong to the whole process.
        from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

        self._client = connect()
        checkout = f"{socket.gethostname()}:{Path.cwd()}".replace("'", "_")  # no filter of MLflow has a way to say it
        tags = {TRAINING_TAG: training, CHECKOUT_TAG: checkout}
        self._run_id = begun_run(self._client, training) or create_run(self._client, tags)
        end_others(self._client, self._run_id, checkout)
        monitor: Any = SystemMetricsMonitor  # MLflow declares no types here
        self._monitor = monitor(self._run_id, resume_logging=True, tracking_uri=tracking_uri())
        self._monitor.start()

    @reaching()
    def log(self, history: Path) -> None:
        """Log the epochs of a history; those that were logged before stay as they are."""
        log_history(self._client, self._run_id, history)

    @reaching()
    def end(self, *, failed: bool) -> None:
        """Watch the machine no more. The run stays open for the model, unless the training failed."""
        self._monitor.finish()
        if failed:
            self._client.set_terminated(self._run_id, "FAILED")


def begun_run(client: MlflowClient, training: str) -> str | None:
    """The run in which a training was followed, running again; `None` if it was not, or has its model."""
    experiment = client.get_experiment_by_name(model_name())
    found = client.search_runs([experiment.experiment_id], f"tags.`{TRAINING_TAG}`='{training}'") if experiment else []
    run_id = next((str(run.info.run_id) for run in found if KEY_TAG not in run.data.tags), None)
    if run_id:
        client.update_run(run_id, status="RUNNING")
    return run_id


def end_others(client: MlflowClient, run_id: str, checkout: str) -> None:
    """End the runs of a checkout, but one, that nobody ended."""
    of_it = f"tags.`{CHECKOUT_TAG}`='{checkout}' and attributes.status='RUNNING'"
    for run in client.search_runs([client.get_run(run_id).info.experiment_id], of_it):
        if run.info.run_id != run_id:
            client.set_terminated(run.info.run_id, "KILLED")


def create_run(client: MlflowClient, tags: dict[str, str]) -> str:
    """A new run of the model's experiment, with these tags and MLflow's own of who and where."""
    from mlflow.tracking.context.registry import resolve_tags

    known = client.get_experiment_by_name(model_name())
    experiment = known.experiment_id if known else client.create_experiment(model_name())
    return str(client.create_run(experiment, tags=resolve_tags(tags)).info.run_id)


def log_history(client: MlflowClient, run_id: str, path: Path) -> None:
    """Log the epochs of a training, each at one and the same time: MLflow drops what it has already."""
    from mlflow.entities import Metric

    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    metrics = [
        Metric(name, float(value), 0, int(row["epoch"]))
        for row in rows
        for name, value in row.items()
        if name != "epoch" and value
    ]
    for start in range(0, len(metrics), BATCH):
        client.log_batch(run_id, metrics=metrics[start : start + BATCH])
