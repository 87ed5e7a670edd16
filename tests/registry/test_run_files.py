"""Files that lie with the run of a version."""

from __future__ import annotations

from pathlib import Path

import mlflow

from deepfuse import registry


def test_a_file_of_a_run_comes_back_and_is_put_in_its_place(database: Path, workplace: Path) -> None:
    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{database}")
    run = client.create_run(client.create_experiment("deepfuse"))
    client.log_text(run.info.run_id, "scene,refused\nbørn,0\n", "metrics/arrived.csv")
    client.create_registered_model("deepfuse")
    client.create_model_version("deepfuse", run.info.artifact_uri, run.info.run_id)
    assert registry.run_file("1", "metrics/arrived.csv") == "scene,refused\nbørn,0\n"
    assert registry.run_file("1", "metrics/other.csv") is None
    assert registry.run_file("1", "report/drift.html") is None
    page = workplace / "drift.html"
    for text in ("old", "new"):
        page.write_text(text)
        registry.log_run_file("1", page, "report")
        assert registry.run_file("1", "report/drift.html") == text
