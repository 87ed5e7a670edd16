"""The flow in Prefect's test harness, on a real pipeline and a real sqlite MLflow."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import mlflow
import pytest
from prefect.testing.utilities import prefect_test_harness
from support.projects import add_scene, commit_all, raw_project, run_dvc, set_params
from support.stores import ON_BOTH, mlflow_server

from deepfuse import registry
from deepfuse.errors import ParamsError
from deepfuse.evaluation import Verdict
from deepfuse.model import SHIPPED, weights_sha256
from flows import live, pipeline, retrain


@pytest.fixture(scope="module", autouse=True)
def prefect() -> Iterator[None]:
    with prefect_test_harness(server_startup_timeout=120):
        yield


@pytest.fixture(autouse=True)
def in_project(
    warm: None,
    project: Path,
    stores: dict[str, str],
    small_reference: None,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Path]:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr(live, "POLL_S", 0.05)
    # Golden checks take a process each, and the registry's own tests run them.
    monkeypatch.setattr("deepfuse.registry.aliases._check", lambda version: None)
    monkeypatch.chdir(raw_project(project))
    if not stores:
        yield project
        return
    with mlflow_server(stores, tmp_path_factory.mktemp("mlflow")) as url:  # somebody's, on Postgres and S3
        for name, value in stores.items():
            if name.startswith("AWS") or name == "MLFLOW_S3_ENDPOINT_URL":
                monkeypatch.setenv(name, value)
        monkeypatch.setenv("MLFLOW_TRACKING_URI", url)
        yield project
    assert not Path("mlflow.db").exists()


def versions() -> list[str]:
    found = mlflow.MlflowClient().search_model_versions("name='deepfuse'")
    return sorted(str(version.version) for version in found)


def tags(version: str) -> dict[str, str]:
    return dict(mlflow.MlflowClient().get_model_version("deepfuse", version).tags)


@ON_BOTH
def test_the_shipped_weights_are_the_first_champion_until_a_better_model_comes(
    in_project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A model that learnt from five brackets is published, judged beside the shipped weights, and stays a challenger.
    state = retrain.retrain.fn()  # the functions work without their decorators
    assert state.message == f"version 2 not promoted: {state.data.reason}"
    assert not state.data.promote
    assert versions() == ["1", "2"]
    assert registry.champion_version() == "1"
    assert tags("1")["deepfuse.origin"] == "shipped"
    assert tags("2")[registry.VERDICT_TAG].startswith("not promoted")
    version = mlflow.MlflowClient().get_model_version("deepfuse", "2")
    assert "| reference.true_colour_error |" in mlflow.artifacts.load_text(f"runs:/{version.run_id}/model_card.md")
    with registry.model_folder("models:/deepfuse@champion") as served:
        assert weights_sha256(served.folder) == weights_sha256(SHIPPED)

    # The next goes on from the champion, takes its place, and is no reason to train once more.
    set_params(in_project, {"train": {"start": "champion", "epochs": 1}})
    monkeypatch.setattr(retrain, "judge", lambda *scores, **limits: Verdict(True, "the mean rises", 0.01))
    state = retrain.retrain(return_state=True)
    assert state.message == "version 3 promoted: the mean rises"
    assert registry.champion_version() == "3"
    run = mlflow.get_run(mlflow.MlflowClient().get_model_version("deepfuse", "3").run_id)
    assert run.data.tags["deepfuse.training"] in {path.name for path in live.CHECKPOINTS.iterdir()}
    assert "evaluation.json" in {file.path for file in mlflow.MlflowClient().list_artifacts(run.info.run_id)}
    assert weights_sha256(Path("data/start")) == weights_sha256(SHIPPED) == started_from()
    assert retrain.retrain().reason == "nothing new since version 3"
    assert weights_sha256(Path("data/start")) == weights_sha256(SHIPPED)

    # What a person rolled back from stays so, whatever the gate says.
    registry.rollback("pink skies")
    set_params(in_project, {"promote": {"seed": 1}})
    assert "pink skies" in retrain.retrain().reason
    assert registry.champion_version() == "1"

    # A person's champion that is neither what it started from nor what came of it is one.
    registry.promote("2")
    assert retrain.finished() is None


def started_from() -> str:
    return str(json.loads(Path("data/model/provenance.json").read_text())["start"])


def test_what_is_not_new_or_bad_changes_no_model(monkeypatch: pytest.MonkeyPatch, in_project: Path) -> None:
    retrain.retrain()
    with monkeypatch.context() as patch:
        for name in ("reproduce", "publish", "promote", "record"):
            patch.setattr(retrain, name, lambda *_: pytest.fail("it ran"))
        assert retrain.retrain().reason == "nothing new since version 2"

    cut = add_scene(in_project, "cut", 9, folder="data/inbox")
    (cut / "01_ev+0.dng").write_bytes((cut / "01_ev+0.dng").read_bytes()[:5000])
    shutil.copytree("data/raw/attic", "data/inbox/again")
    (in_project / "data/inbox/empty").mkdir()
    assert retrain.retrain().reason == "nothing new since version 2"
    assert versions() == ["1", "2"]
    reasons = [json.loads(path.read_text())["reason"] for path in Path("data/quarantine").glob("*/reason.json")]
    assert len(reasons) == 2
    assert any("01_ev+0.dng" in reason for reason in reasons)
    assert json.loads(Path("data/quarantine/duplicates/again.json").read_text())["same_as"] == "data/raw/attic"

    add_scene(in_project, "fjord", 9, folder="data/raw")
    assert retrain.finished() is None


def test_a_failed_stage_stops_the_flow_and_touches_no_model(in_project: Path) -> None:
    set_params(in_project, {"align": {"min_kept": 1.0}, "patch": {"flat_below": 300}})
    with pytest.raises(RuntimeError, match="dvc repro"):
        retrain.retrain()
    assert versions() == [registry.champion_version()] == ["1"], "the shipped weights alone"


def test_brackets_are_refused_untouched_where_the_pipeline_reads_others(in_project: Path) -> None:
    set_params(in_project, {"ingest": {"source": "data/sample"}})
    waiting = add_scene(in_project, "fjord", 9, folder="data/inbox")
    with pytest.raises(ParamsError, match=r"ingest\.source: expected data/raw"):
        retrain.retrain()
    assert len(list(waiting.iterdir())) == 3


def test_a_bound_of_no_guard_is_refused_before_anything_is_done(in_project: Path) -> None:
    set_params(in_project, {"promote": {"max_worse": {"hallo": 1.0}}})
    waiting = add_scene(in_project, "fjord", 9, folder="data/inbox")
    with pytest.raises(ParamsError, match=r"promote\.max_worse\.hallo"):
        retrain.retrain()
    assert len(list(waiting.iterdir())) == 3


def test_an_installation_without_brackets_says_so(in_project: Path) -> None:
    shutil.rmtree("data/raw")
    state = retrain.retrain(return_state=True)
    assert (state.name, state.message) == ("Completed", "no bracket arrived yet")
    assert state.result().reason == "no bracket arrived yet"


def test_a_commit_and_the_remote_give_back_the_very_model(in_project: Path, tmp_path: Path) -> None:
    run_dvc(in_project, "remote", "add", "--default", "store", str(tmp_path / "remote"))
    commit_all(in_project)
    set_params(in_project, {"train": {"epochs": 2}})
    add_scene(in_project, "fjord", 9, folder="data/inbox")
    retrain.retrain()
    about = tags("2")
    assert about[retrain.UNCOMMITTED_TAG] == "train.epochs: 3 → 2"
    clone = tmp_path / "clone"
    found = registry.reproduce("2", clone)
    assert found.commit == about["deepfuse.commit"]
    assert found.contents["data/raw"] == about["deepfuse.data"] == pipeline.raw_md5()
    scores = json.loads((clone / "data/metrics/metrics.json").read_text())
    assert about["deepfuse.mef_ssim"] == f"{scores['mef_ssim']['model']:.4f}"
    for name in ("model/model.safetensors", "raw/fjord/00_ev-3.dng", "report/index.html", "metrics/metrics.json"):
        assert (clone / "data" / name).read_bytes() == (in_project / "data" / name).read_bytes()
    assert run_dvc(clone, "status", "--with-deps", "evaluate").strip() == "Data and pipelines are up to date."
