"""A registry whose folder is moved or copied, with its files or without."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import mlflow
import pytest
from support.trained_models import publish

from deepfuse import load_model, registry
from deepfuse.registry import moving


@pytest.fixture
def checkout(tmp_path: Path, empty_registry: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "checkout"
    place.mkdir()
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(place)
    shutil.copy(empty_registry, place)
    with sqlite3.connect("mlflow.db") as database:  # as MLflow writes it where it makes the database itself
        database.execute("UPDATE experiments SET artifact_location = ?", (f"{place}/mlruns/0",))
    publish(tmp_path)
    mlflow.MlflowClient(f"sqlite:///{place}/mlflow.db").set_registered_model_alias("deepfuse", "champion", "1")
    return place


def addresses(place: Path) -> set[str]:
    """All folders that the database names."""
    with sqlite3.connect(place / "mlflow.db") as database:
        found = [*moving._ADDRESSES, ("experiments", "artifact_location")]
        rows = [row for table, column in found for row in database.execute(f"SELECT {column} FROM {table}")]
    return {address.partition("/mlruns/")[0] for (address,) in rows}


def test_a_moved_registry_loads_its_versions_and_takes_new_ones(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert addresses(checkout) == {str(checkout)}
    moved = checkout.rename(tmp_path / "mlruns of June")
    monkeypatch.chdir(moved)
    load_model("models:/deepfuse@champion")
    assert addresses(moved) == {str(moved)}
    with monkeypatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{moved}/mlflow.db")
        mlflow.pyfunc.load_model("models:/deepfuse@champion")  # MLflow by itself, as its server does
    assert publish(tmp_path, 1) == "2"
    assert not checkout.exists()
    load_model("models:/deepfuse/2")


def test_a_copy_has_files_of_its_own(checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shutil.copytree(checkout, tmp_path / "copy"))
    registry.versions()
    assert addresses(tmp_path / "copy") == {str(tmp_path / "copy")}
    assert addresses(checkout) == {str(checkout)}
    shutil.rmtree(checkout)
    load_model("models:/deepfuse@champion")


def test_files_that_are_elsewhere_are_left_there(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "alone/mlruns/1").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "alone")
    shutil.copy(checkout / "mlflow.db", ".")
    load_model("models:/deepfuse@champion")
    assert addresses(tmp_path / "alone") == {str(checkout)}


@pytest.mark.parametrize(
    ("address", "root"),
    [
        ("/a/mlruns/b/mlruns/1/models/m-1", "/a/mlruns/b/mlruns"),
        ("file:///a/mlruns/1", "file:///a/mlruns"),
        ("s3://bucket/mlruns/1", None),
        ("mlflow-artifacts:/1/2", None),
    ],
)
def test_the_root_is_of_this_machine(address: str, root: str | None) -> None:
    assert moving._root(address) == root
