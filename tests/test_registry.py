"""The registry on a real sqlite MLflow: publishing under faults, versions, aliases and the golden check."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pytest
import torch
from conftest import random_model

from deepfuse import load_model, registry
from deepfuse.cli import main
from deepfuse.errors import ModelError
from deepfuse.evaluation import Check, Verdict
from deepfuse.model import write_model
from deepfuse.photo import read_photo, write_photo
from deepfuse.registry import aliases, golden
from deepfuse.training import Epoch, history_csv

PARAMS = {"train": {"epochs": 2}, "model": {"arch": "paper"}}
TESTS = Path(__file__).parent


@pytest.fixture(scope="module")
def empty_registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with its tables, which take seconds to make."""
    path = tmp_path_factory.mktemp("empty") / "mlflow.db"
    code = f"import mlflow; mlflow.set_tracking_uri('sqlite:///{path}'); mlflow.MlflowClient().search_experiments()"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    return path


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def database(empty_registry: Path, workplace: Path) -> Path:
    return Path(shutil.copy(empty_registry, workplace))


@pytest.fixture
def unchecked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Spare the fresh process; the names that were checked."""
    names: list[str] = []
    monkeypatch.setattr(aliases, "check_golden", lambda name, model: names.append(name))
    return names


def trained(folder: Path, seed: int) -> tuple[Path, Path]:
    """The folders of stages `train` and `evaluate`, with random weights."""
    write_model(random_model(seed), folder / "model")
    (folder / "model/history.csv").write_text(history_csv((Epoch(1, 1e-3, 0.3, None), Epoch(2, 1e-4, 0.2, 0.9))))
    (folder / "model/provenance.json").write_text("{}")
    (folder / "report").mkdir()
    metrics = {"scenes": 1, "mef_ssim": {"model": 0.9 + seed / 100, "average": 0.8}}
    (folder / "report/metrics.json").write_text(json.dumps(metrics))
    return folder / "model", folder / "report"


def publish(folder: Path, seed: int = 0) -> str:
    model = folder / f"{seed}" / "model"
    report = model.parent / "report"
    if not model.exists():
        trained(model.parent, seed)
    return registry.publish(model, report, key=f"key{seed}", params=PARAMS)


def registered() -> list[str]:
    return [str(version.version) for version in mlflow.MlflowClient().search_model_versions("name='deepfuse'")]


def test_a_published_model_comes_back_and_is_published_once(tmp_path: Path, database: Path) -> None:
    assert registry.champion_version() is None
    version = publish(tmp_path)
    assert registry.champion_version() is None
    assert publish(tmp_path) == registry.published_version("key0") == version
    assert registry.published_version("another") is None
    assert registered() == [version]

    assert registry.promote(version) == registry.Move(None, version)
    assert registry.champion_version() == version
    expected, served = load_model(tmp_path / "0/model"), load_model("models:/deepfuse@champion")
    luma = torch.rand(1, 2, 16, 16)
    assert torch.equal(served.cpu()(luma), expected.cpu()(luma))

    run = mlflow.get_run(mlflow.MlflowClient().get_model_version("deepfuse", version).run_id)
    assert run.data.params == {"train.epochs": "2", "model.arch": "paper"}
    assert run.data.metrics["mef_ssim.model"] == 0.9
    history = mlflow.MlflowClient().get_metric_history(run.info.run_id, "train_loss")
    assert [(metric.step, metric.value) for metric in history] == [(1, 0.3), (2, 0.2)]


def test_the_registered_model_holds_no_pickle(tmp_path: Path, database: Path) -> None:
    publish(tmp_path)
    files = {path.name for path in (tmp_path / "mlruns").rglob("*") if path.is_file()}
    assert "model.safetensors" in files
    assert not {name for name in files if name.endswith((".pkl", ".pickle", ".pt", ".pth"))}


@pytest.mark.parametrize("step", ["log_params", "pyfunc.log_model", "set_tag", "register_model"])
def test_a_failure_at_any_step_is_made_good_by_the_next_call(
    tmp_path: Path, database: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    owner = mlflow.pyfunc if "." in step else mlflow
    with monkeypatch.context() as patch:
        patch.setattr(owner, step.rpartition(".")[2], lambda *_, **__: (_ for _ in ()).throw(RuntimeError("fault")))
        with pytest.raises(RuntimeError, match="fault"):
            publish(tmp_path)
    assert registered() == []
    version = publish(tmp_path)
    assert registered() == [version]
    assert mlflow.MlflowClient().get_model_version_by_alias("deepfuse", "challenger").version == int(version)
    statuses = sorted(mlflow.search_runs(experiment_names=["deepfuse"])["status"])
    assert statuses == (["FINISHED"] if step == "register_model" else ["FAILED", "FINISHED"])


KILLED = """
import os, signal, sys
sys.path[:0] = {paths!r}
import mlflow
from mlflow import MlflowClient
from pathlib import Path
from test_registry import publish

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

{owner}.{step} = die
publish(Path({folder!r}))
"""


@pytest.mark.parametrize(
    ("owner", "step", "before", "statuses"),
    [
        ("mlflow", "set_tag", [], ["FAILED", "FINISHED"]),
        ("MlflowClient", "set_registered_model_alias", ["1"], ["FINISHED"]),
    ],
)
def test_a_kill_at_any_step_is_made_good_by_the_next_call(
    tmp_path: Path, database: Path, owner: str, step: str, before: list[str], statuses: list[str]
) -> None:
    code = KILLED.format(paths=[str(TESTS), str(TESTS.parent)], folder=str(tmp_path), owner=owner, step=step)
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == -signal.SIGKILL
    assert [version.number for version in registry.versions()] == before
    assert publish(tmp_path) == "1"
    assert registered() == ["1"]
    assert registry.versions()[0].aliases == ("challenger",)
    assert sorted(mlflow.search_runs(experiment_names=["deepfuse"])["status"]) == statuses


def test_two_at_once_leave_one_version(tmp_path: Path, database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    register = mlflow.register_model

    def register_after_another(uri: str, name: str, *, tags: dict[str, str]) -> Any:
        register(uri, name, tags=tags)  # what another process does between our look and our registration
        return register(uri, name, tags=tags)

    monkeypatch.setattr(mlflow, "register_model", register_after_another)
    assert publish(tmp_path) == "1"
    assert registered() == ["1"]


def test_a_bad_model_fails_its_golden_check_and_moves_nothing(tmp_path: Path, database: Path) -> None:
    good, bad = publish(tmp_path, 0), publish(tmp_path, 1)
    mlflow.MlflowClient().set_registered_model_alias("deepfuse", "champion", good)
    stored = Path(mlflow.artifacts.download_artifacts(f"models:/deepfuse/{bad}"))
    picture = read_photo(stored / "artifacts/golden/fused.png")
    write_photo(stored / "artifacts/golden/fused.png", np.where(picture > 200, picture - 9, picture + 9))
    with pytest.raises(ModelError, match=r"within 2 grey levels, got 9"):
        registry.promote(bad)
    assert registry.champion_version() == good
    assert "got 9" in (registry.versions()[1].verdict or "")

    (stored / "code/deepfuse/fusion.py").write_text("raise RuntimeError('the carried code')\n")
    with pytest.raises(ModelError, match="the carried code"):
        registry.promote(bad)


def test_the_golden_check_allows_what_rounding_may_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, model = tmp_path / "artifacts/golden", random_model(0)
    golden.write_golden(folder, model)
    write_model(model, tmp_path / "artifacts/model")
    picture = read_photo(folder / "fused.png")
    assert picture.std() > 20
    for difference, allowed in ((2, True), (3, False)):
        fake = tmp_path / "fake.py"
        write_photo(tmp_path / "other.png", np.where(picture > 99, picture - difference, picture + difference))
        fake.write_text("import shutil, sys; shutil.copy(sys.argv[1] + '/other.png', sys.argv[2])")
        monkeypatch.setattr(golden, "AS_SERVED", fake)
        if allowed:
            golden.check_golden("it", tmp_path)
        else:
            with pytest.raises(ModelError, match="got 3"):
                golden.check_golden("it", tmp_path)
    next(model.parameters())[0] = torch.nan
    write_model(model, tmp_path / "artifacts/model")
    with pytest.raises(ModelError, match="finite"):
        golden.check_golden("it", tmp_path)


def test_promote_and_rollback_move_the_alias_and_remember(tmp_path: Path, database: Path, unchecked: list[str]) -> None:
    first, second = publish(tmp_path, 0), publish(tmp_path, 1)
    with pytest.raises(ModelError, match="no"):
        registry.rollback()
    registry.promote(first)
    with pytest.raises(ModelError, match="previous champion"):
        registry.rollback()
    assert registry.promote(second) == registry.Move(first, second)
    assert registry.promote(second) == registry.Move(second, second)
    assert registry.rollback() == registry.Move(second, first)
    assert registry.champion_version() == first
    assert unchecked == [f"models:/deepfuse/{version}" for version in (first, second, second, first)]
    with pytest.raises(ModelError, match="previous champion"):
        registry.rollback()
    with pytest.raises(ModelError, match="got 9"):
        registry.promote("9")


def test_versions_say_what_is_known(tmp_path: Path, database: Path, unchecked: list[str]) -> None:
    assert registry.versions() == ()
    publish(tmp_path, 0)
    version = publish(tmp_path, 1)
    registry.tag_version(version, {"scenes": "8"})
    assert registry.version_tags(version) == {registry.KEY_TAG: "key1", "scenes": "8"}
    verdict = Verdict(False, "worse", -0.1, (-0.2, float("nan")), (Check("halo", 1.0, 0.5, False),), "a")
    registry.record_verdict(version, verdict)
    registry.promote("1")
    found = registry.versions()
    assert [(v.number, v.aliases, v.verdict) for v in found] == [
        ("1", ("champion",), None),
        ("2", ("challenger",), "not promoted: worse"),
    ]
    assert found[1].metrics == {"mef_ssim": 0.91}
    assert found[0].created <= found[1].created
    stored = mlflow.MlflowClient().get_model_version("deepfuse", version)
    assert "| halo |" in stored.description
    record = json.loads(mlflow.artifacts.load_text(f"runs:/{stored.run_id}/verdict.json"))
    assert record["interval"] == [-0.2, None]
    assert "worse" in mlflow.artifacts.load_text(f"runs:/{stored.run_id}/verdict.md")


def test_the_commands_list_and_move(
    tmp_path: Path, database: Path, unchecked: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    def record(*command: str) -> Any:
        capsys.readouterr()
        assert main([*command, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    assert record("models") == {"versions": []}
    publish(tmp_path, 0)
    publish(tmp_path, 1)
    assert record("promote", "1") == {"from": None, "to": "1"}
    assert record("promote", "2") == {"from": "1", "to": "2"}
    listed = record("models")["versions"]
    assert [(v["version"], v["aliases"], v["metrics"]) for v in listed] == [
        ("1", [], {"mef_ssim": 0.9}),
        ("2", ["challenger", "champion"], {"mef_ssim": 0.91}),
    ]
    assert main(["models"]) == 0
    assert "2  challenger, champion  MEF-SSIM 0.9100" in capsys.readouterr().out
    assert main(["rollback"]) == 0
    assert capsys.readouterr().out == "champion: version 2 → version 1\n"


def test_the_commands_say_what_is_wrong(
    tmp_path: Path, empty_registry: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in (["models"], ["promote", "1"], ["rollback"]):
        assert main(command) == 5
        assert "mlflow.db" in capsys.readouterr().err
    shutil.copy(empty_registry, tmp_path)
    publish(tmp_path)
    for command, said in (
        (["promote", "7"], "got 7"),
        (["promote", "x"], "got x"),
        (["rollback"], "previous champion"),
    ):
        capsys.readouterr()
        assert main(command) == 5
        assert said in capsys.readouterr().err
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    assert main(["models"]) == 6
    assert "cannot be reached" in capsys.readouterr().err


def test_no_registry_is_said_and_none_is_made(tmp_path: Path) -> None:
    calls = (
        registry.versions,
        registry.rollback,
        lambda: registry.promote("1"),
        lambda: load_model("models:/deepfuse@champion"),
    )
    for call in calls:
        with pytest.raises(ModelError, match=r"mlflow\.db"):
            call()
    assert list(tmp_path.iterdir()) == []


def test_no_such_model_or_alias_is_said(tmp_path: Path, database: Path) -> None:
    publish(tmp_path)
    for uri in ("models:/deepfuse@champion", "models:/other/1"):
        with pytest.raises(ModelError, match=uri):
            load_model(uri)


def test_a_server_that_is_down_is_one_kind_of_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    model, report = trained(tmp_path, 0)
    calls = (
        registry.versions,
        registry.champion_version,
        registry.rollback,
        lambda: registry.promote("1"),
        lambda: registry.publish(model, report, key="abc", params=PARAMS),
        lambda: registry.load_model("models:/deepfuse@champion"),
        lambda: registry.record_verdict("1", Verdict(True, "")),
        lambda: registry.tag_version("1", {"a": "b"}),
    )
    for call in calls:
        with pytest.raises(registry.Unreachable, match=r"127\.0\.0\.1:9"):
            call()
