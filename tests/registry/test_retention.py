"""What old versions may lose."""

from __future__ import annotations

from pathlib import Path

import pytest
from mlflow import MlflowClient

from deepfuse import registry


@pytest.fixture
def client(database: Path) -> MlflowClient:
    """A registry of five versions, each with a report of a hundred bytes and more."""
    client = MlflowClient(f"sqlite:///{database}")
    experiment = client.create_experiment("deepfuse", artifact_location=f"{database.parent}/mlruns/1")
    client.create_registered_model("deepfuse")
    for number in range(1, 6):
        run = client.create_run(experiment).info
        client.log_text(run.run_id, "x" * 60, "report/index.html")
        client.log_text(run.run_id, "x" * (40 + number), "report/fused/hall.tif")
        client.log_text(run.run_id, "{}", "training/provenance.json")
        client.create_model_version("deepfuse", f"{run.artifact_uri}/training", run.run_id)
    return client


def files(client: MlflowClient) -> dict[str, list[str]]:
    runs = {v.version: v.run_id for v in client.search_model_versions("name='deepfuse'")}
    return {str(v): sorted(file.path for file in client.list_artifacts(run)) for v, run in runs.items()}


def test_only_old_reports_of_versions_that_nobody_names_go(client: MlflowClient) -> None:
    client.set_registered_model_alias("deepfuse", "champion", "1")
    client.set_registered_model_tag("deepfuse", "deepfuse.previous_champion", "3")
    old = registry.old_reports(1)
    assert [(report.version, report.size_bytes) for report in old] == [("2", 102), ("4", 104)]
    for report in old:
        registry.forget_report(report)
    whole = ["report", "training"]
    assert files(client) == {"1": whole, "2": ["training"], "3": whole, "4": ["training"], "5": whole}
    assert registry.old_reports(1) == ()
    assert [report.version for report in registry.old_reports(0)] == ["5"]


def test_an_empty_registry_has_no_reports(database: Path) -> None:
    assert registry.old_reports(0) == ()
