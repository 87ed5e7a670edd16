"""Publishing to a real sqlite MLflow: complete, once, under faults, and checked by its golden picture."""

from __future__ import annotations

import ast
import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pytest
import torch
from support.pictures import random_model
from support.trained_models import publish, registered

from deepfuse import load_model, registry
from deepfuse.errors import ModelError
from deepfuse.evaluation import Verdict
from deepfuse.model import write_model
from deepfuse.photo import read_photo, write_photo
from deepfuse.registry import artifact, golden, settings

TESTS = Path(__file__).parent
pytestmark = pytest.mark.usefixtures("workplace")


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
    table = mlflow.MlflowClient().load_table(run.info.experiment_id, "evaluation.json", [run.info.run_id])
    assert [(row.scene, row.method, row.mef_ssim) for row in table.itertuples()] == [
        ("attic", "model", 0.9),
        ("attic", "average", 0.8),
    ]


def test_a_version_says_what_made_it_and_shows_small_pictures(tmp_path: Path, database: Path) -> None:
    version = publish(tmp_path)
    client = mlflow.MlflowClient()
    stored = client.get_model_version("deepfuse", version)
    datasets = {each.dataset.name: each for each in client.get_run(stored.run_id).inputs.dataset_inputs}
    assert set(datasets) == {"data/patches/train", "data/patches/val"}
    train = datasets["data/patches/train"]
    assert (train.dataset.digest, train.tags[0].value) == (("ab" * 32)[:36], "training")
    assert json.loads(train.dataset.source)["brackets"] == "data/raw"
    assert json.loads(train.dataset.profile)["sha256"] == "ab" * 32

    assert mlflow.artifacts.load_text(f"runs:/{stored.run_id}/model_card.md") == stored.description
    for said in (
        "# deepfuse, version 1",
        "Not judged yet",
        "| mef_ssim | 0.9000 | 0.8000 |",
        "scenes_train: 7",
        "key0",
    ):
        assert said in stored.description
    assert "reproduce" not in stored.description
    registry.tag_version(version, {registry.COMMIT_TAG: "c0ffee"})
    registry.record_verdict(version, Verdict(False, "worse"))
    description = client.get_model_version("deepfuse", version).description
    for said in ("not promoted: worse", "scenes_train: 7", "commit: c0ffee", "`deepfuse reproduce 1 FOLDER`"):
        assert said in description

    logged = Path(mlflow.artifacts.download_artifacts(f"runs:/{stored.run_id}/report"))
    assert {path.name for path in logged.rglob("*") if path.is_file()} == {"index.html", "attic.jpg"}
    small = read_photo(logged / "fused/attic.jpg")
    assert (small.shape, small.dtype) == ((2, 500, 3), np.uint8)
    assert np.abs(small.astype(int) - 99).max() <= 2


def test_the_registered_model_holds_no_pickle(tmp_path: Path, database: Path) -> None:
    publish(tmp_path)
    files = {path.name for path in (tmp_path / "mlruns").rglob("*") if path.is_file()}
    assert "model.safetensors" in files
    assert not {name for name in files if name.endswith((".pkl", ".pickle", ".pt", ".pth"))}


@pytest.mark.parametrize("step", ["log_batch", "log_model_artifacts", "set_tag", "create_model_version"])
def test_a_failure_at_any_step_is_made_good_by_the_next_call(
    tmp_path: Path, database: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(mlflow.MlflowClient, step, lambda *_, **__: (_ for _ in ()).throw(RuntimeError("fault")))
        with pytest.raises(RuntimeError, match="fault"):
            publish(tmp_path)
    assert registered() == []
    version = publish(tmp_path)
    assert registered() == [version]
    assert mlflow.MlflowClient().get_model_version_by_alias("deepfuse", "challenger").version == int(version)
    statuses = sorted(mlflow.search_runs(experiment_names=["deepfuse"])["status"])
    assert statuses == (["FINISHED"] if step == "create_model_version" else ["FAILED", "FINISHED"])


KILLED = """
import os, signal, sys
sys.path[:0] = {paths!r}
from mlflow import MlflowClient
from pathlib import Path
from support.trained_models import publish

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

MlflowClient.{step} = die
publish(Path({folder!r}))
"""


@pytest.mark.parametrize(
    ("step", "before", "statuses"),
    [("set_tag", [], ["FAILED", "FINISHED"]), ("set_registered_model_alias", ["1"], ["FINISHED"])],
)
def test_a_kill_at_any_step_is_made_good_by_the_next_call(
    tmp_path: Path, database: Path, step: str, before: list[str], statuses: list[str]
) -> None:
    code = KILLED.format(paths=[str(TESTS), str(TESTS.parent)], folder=str(tmp_path), step=step)
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == -signal.SIGKILL
    assert [version.number for version in registry.versions()] == before
    assert publish(tmp_path) == "1"
    assert registered() == ["1"]
    assert registry.versions()[0].aliases == ("challenger",)
    assert sorted(mlflow.search_runs(experiment_names=["deepfuse"])["status"]) == statuses


def test_two_at_once_leave_one_version(tmp_path: Path, database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    register = mlflow.MlflowClient.create_model_version

    def register_after_another(*arguments: Any, **options: Any) -> Any:
        register(*arguments, **options)  # what another process does between our look and our registration
        return register(*arguments, **options)

    monkeypatch.setattr(mlflow.MlflowClient, "create_model_version", register_after_another)
    assert publish(tmp_path) == "1"
    assert registered() == ["1"]


def test_a_bad_model_fails_its_golden_check_and_moves_nothing(tmp_path: Path, database: Path) -> None:
    good, bad = publish(tmp_path, 0), publish(tmp_path, 1)
    mlflow.MlflowClient().set_registered_model_alias("deepfuse", "champion", good)
    stored = Path(mlflow.artifacts.download_artifacts(f"models:/deepfuse/{bad}"))
    picture = read_photo(stored / "artifacts/golden/fused.png")
    write_photo(stored / "artifacts/golden/fused.png", np.where(picture > 200, picture - 9, picture + 9))
    trust(bad, stored)
    with pytest.raises(ModelError, match=r"within 2 grey levels, got 9"):
        registry.promote(bad)
    assert registry.champion_version() == good
    assert "got 9" in (registry.versions()[1].verdict or "")

    (stored / "code/deepfuse/fusion/fuse.py").write_text("raise RuntimeError('the carried code')\n")
    trust(bad, stored)
    with pytest.raises(ModelError, match="the carried code"):
        registry.promote(bad)


def trust(version: str, stored: Path) -> None:
    """Say that a version was published as it is now."""
    mlflow.MlflowClient().set_model_version_tag("deepfuse", version, artifact.FILES_TAG, artifact.files_digest(stored))


def stored_files(version: str) -> Path:
    return Path(mlflow.artifacts.download_artifacts(f"models:/deepfuse/{version}"))


CHANGES: dict[str, Callable[[Path], object]] = {
    "its code": lambda stored: (stored / "code/deepfuse/fusion/fuse.py").open("a").write(SPY),
    "a module more": lambda stored: (stored / "code/sitecustomize.py").write_text(SPY),
    "a name": lambda stored: (stored / "code/deepfuse/color.py").rename(stored / "code/deepfuse/colour.py"),
    "a file less": lambda stored: (stored / "requirements.txt").unlink(),
    "its weights": lambda stored: write_model(random_model(7), stored / "artifacts/model"),
    "a link": lambda stored: (stored / "code/more").symlink_to("/etc"),
}
SPY = "import pathlib\npathlib.Path({place!r}).touch()\n"


@pytest.mark.parametrize("change", CHANGES)
def test_what_was_not_published_is_neither_run_nor_read(
    tmp_path: Path, database: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    version = publish(tmp_path)
    place = tmp_path / "it ran"
    with monkeypatch.context() as patch:
        patch.setitem(globals(), "SPY", SPY.format(place=str(place)))
        CHANGES[change](stored_files(version))
    for use in (lambda: registry.promote(version), lambda: load_model(f"models:/deepfuse/{version}")):
        with pytest.raises(ModelError, match=r"not those that were published|cannot be loaded from"):
            use()
    assert not place.exists()
    assert registry.champion_version() is None
    assert "golden check" in (registry.versions()[0].verdict or "")


def test_a_link_has_no_hash(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/file").write_text("a")
    before = artifact.files_digest(tmp_path)
    assert before == artifact.files_digest(tmp_path) != artifact.files_digest(tmp_path / "folder")
    (tmp_path / "folder/more").symlink_to(tmp_path)
    with pytest.raises(ModelError, match="folder/more: expected a file or a folder, got a link"):
        artifact.files_digest(tmp_path)


def test_a_version_without_a_hash_is_not_run_and_published_anew(tmp_path: Path, database: Path) -> None:
    old = publish(tmp_path)
    client = mlflow.MlflowClient()
    digest = client.get_model_version("deepfuse", old).tags[artifact.FILES_TAG]
    client.delete_model_version_tag("deepfuse", old, artifact.FILES_TAG)
    run = client.get_model_version("deepfuse", old).run_id
    client.delete_tag(run, artifact.FILES_TAG)
    with pytest.raises(ModelError, match=f"if you trust what the registry has, set it to {digest}"):
        registry.promote(old)
    load_model(f"models:/deepfuse/{old}")
    assert registry.published_version("key0") is None
    new = publish(tmp_path)
    assert new == registry.published_version("key0") != old
    registry.promote(new)


PRYING = """
import os, resource, sys
from pathlib import Path
found = dict(os.environ)
found["cwd"], found["memory"] = os.getcwd(), resource.getrlimit(resource.RLIMIT_DATA)[0]
Path({out!r}).write_text(repr(found))
"""


def test_the_code_of_a_model_gets_the_least_it_needs(
    tmp_path: Path, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = publish(tmp_path)
    stored = stored_files(version)
    with (stored / "code/deepfuse/fusion/fuse.py").open("a") as file:
        file.write(PRYING.format(out=str(tmp_path / "found")))
    trust(version, stored)
    for name in ("AWS_SECRET_ACCESS_KEY", "PREFECT_API_AUTH_STRING", "MLFLOW_TRACKING_PASSWORD", "SSH_AUTH_SOCK"):
        monkeypatch.setenv(name, "hush")
    registry.promote(version)
    found = ast.literal_eval((tmp_path / "found").read_text())
    assert "hush" not in found.values()
    assert found["cwd"] == found["HOME"] != str(tmp_path)
    assert found["memory"] == 8 * 10**9


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("x = bytearray(9 * 10**9)", "MemoryError"),
        ("import time; time.sleep(99)", "took over 5 s"),
        ("raise RuntimeError('why')", "RuntimeError: why"),
    ],
)
def test_code_that_takes_too_much_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, reason: str
) -> None:
    golden.write_golden(tmp_path / "artifacts/golden", random_model(0))
    write_model(random_model(0), tmp_path / "artifacts/model")
    script = tmp_path / "script.py"
    script.write_text(f"from deepfuse.serving import as_served\nas_served._limit()\n{code}")
    monkeypatch.setattr(golden, "AS_SERVED", script)
    monkeypatch.setenv("PYTHONPATH", str(TESTS.parents[1]))
    if "sleep" in code:
        monkeypatch.setattr(golden, "TIMEOUT_S", 5)
    with pytest.raises(ModelError, match=reason):
        golden.check_golden("it", tmp_path)


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


def environment() -> dict[str, str]:
    """But for what MLflow keeps there for itself."""
    return {name: value for name, value in os.environ.items() if not name.startswith("_MLFLOW")}


def test_the_mlflow_of_the_host_program_stays_its_own(
    tmp_path: Path, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = database.rename(tmp_path / "ours.db")
    monkeypatch.setattr(settings, "DEFAULT_DATABASE", Path("ours.db"))
    before, level = environment(), logging.getLogger("alembic").level
    version = publish(tmp_path)
    registry.promote(version)
    load_model("models:/deepfuse@champion")
    assert not mlflow.is_tracking_uri_set()
    assert mlflow.active_run() is None
    assert environment() == before
    assert logging.getLogger("alembic").level == level
    assert not database.exists(), "where MLflow of itself would be"
    stored = mlflow.MlflowClient(f"sqlite:///{ours}").get_model_version_by_alias("deepfuse", "champion")
    assert str(stored.version) == version
