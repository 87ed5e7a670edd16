"""The flow in Prefect's test harness, on a real pipeline and a real sqlite MLflow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import mlflow
import pytest
from conftest import set_params
from prefect.testing.utilities import prefect_test_harness

from deepfuse import registry
from deepfuse.evaluation import Verdict
from flows import retrain


@pytest.fixture(scope="module", autouse=True)
def prefect() -> Iterator[None]:
    with prefect_test_harness(server_startup_timeout=120):
        yield


@pytest.fixture(autouse=True)
def in_project(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(project)
    # The flow runs `dvc repro` whole; here its brackets are its own, and no sample is made for it.
    pipeline = project / "dvc.yaml"
    text = pipeline.read_text()
    pipeline.write_text(text[: text.index("  sample:")] + text[text.index("  ingest:") :])
    return project


def versions() -> list[str]:
    return [str(version.version) for version in mlflow.MlflowClient().search_model_versions("name='deepfuse'")]


def test_the_first_model_becomes_champion_and_nothing_new_publishes_nothing(in_project: Path) -> None:
    verdict = retrain.retrain()
    assert verdict.promote
    assert registry.champion_version() == "1"
    served = registry.load_model("models:/deepfuse@champion").state_dict()
    trained = registry.load_model(in_project / "data/model").state_dict()
    assert all((served[name] == trained[name]).all() for name in trained)

    again = retrain.retrain.fn()
    assert not again.promote
    assert versions() == ["1"]
    assert not retrain.promote.fn("1").promote  # the functions work without their decorators

    # A challenger that learnt nothing is published, judged on the same scenes, and stays a challenger.
    set_params(in_project, {"train": {"learning_rate": 1e-9}})
    worse = retrain.retrain()
    assert not worse.promote
    assert sorted(versions()) == ["1", "2"]
    assert registry.champion_version() == "1"
    tags = mlflow.MlflowClient().get_model_version("deepfuse", "2").tags
    assert tags[registry.VERDICT_TAG].startswith("not promoted")


def test_a_better_challenger_takes_over(in_project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    retrain.retrain()
    set_params(in_project, {"train": {"seed": 7, "epochs": 1}})
    monkeypatch.setattr(retrain, "judge", lambda *scores, **limits: Verdict(True, "the mean rises", 0.01))
    assert retrain.retrain().promote
    assert registry.champion_version() == "2"


def test_a_failed_stage_stops_the_flow_and_touches_no_model(in_project: Path) -> None:
    set_params(in_project, {"train": {"epochs": -1}})
    with pytest.raises(RuntimeError, match="dvc repro"):
        retrain.retrain()
    assert not (in_project / "mlflow.db").exists()
