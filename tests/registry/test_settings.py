"""One registry for all commands of a folder: by the environment, by what the folder recorded, or beside it."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import mlflow
import pytest
from support.trained_models import publish

from deepfuse import registry
from deepfuse.cli import main
from deepfuse.errors import ModelError
from deepfuse.registry import settings
from flows import configured, login


@pytest.fixture
def elsewhere(empty_registry: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of another registry."""
    return f"sqlite:///{shutil.copy(empty_registry, tmp_path_factory.mktemp('elsewhere'))}"


def test_what_up_was_told_counts_for_commands_by_hand(
    workplace: Path, elsewhere: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert settings.tracking_uri() == f"sqlite:///{workplace}/mlflow.db"
    with monkeypatch.context() as patch:
        patch.setenv(settings.ADDRESS, elsewhere)
        patch.setenv(settings.MODEL, "Studio 3")
        configured.remember()
    assert (settings.tracking_uri(), registry.model_name()) == (elsewhere, "Studio 3")
    assert registry.versions() == ()
    assert not Path("mlflow.db").exists()
    monkeypatch.setenv(settings.MODEL, "theirs")
    assert registry.model_name() == "theirs"
    assert configured.use_recorded() == {settings.ADDRESS: elsewhere}
    assert os.environ.pop(settings.ADDRESS) == elsewhere


def test_the_server_of_the_folder_is_not_recorded(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(settings.ADDRESS, "http://127.0.0.1:5000")
    for name, value in login.for_mlflow().items():
        monkeypatch.setenv(name, value)
    configured.remember()
    assert not settings.RECORD.exists()


def test_a_damaged_record_or_name_is_said(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.RECORD.parent.mkdir()
    settings.RECORD.write_text("[")
    with pytest.raises(ModelError, match=r"registry\.json: expected a JSON object"):
        registry.champion_version()
    settings.RECORD.write_text(json.dumps({settings.MODEL: "it's"}))
    with pytest.raises(ModelError, match=r"DEEPFUSE_MODEL: expected a name .* got .it's"):
        registry.model_name()


def test_a_second_registry_is_said(
    database: Path, tmp_path: Path, elsewhere: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(tmp_path)
    for address, warned in ((elsewhere, True), (f"sqlite:///{database}", False), ("", False)):
        monkeypatch.setenv(settings.ADDRESS, address)
        capsys.readouterr()
        assert main(["models"]) == 0
        assert ("two registries: " in capsys.readouterr().err) is warned, address
    shutil.copy(database, elsewhere.removeprefix(settings.SQLITE))  # as a server on the same database answers
    monkeypatch.setenv(settings.ADDRESS, elsewhere)
    assert registry.second_registry() is None


def test_a_shared_server_has_the_model_under_its_own_name(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(settings.MODEL, "studio")
    version = publish(tmp_path)
    client = mlflow.MlflowClient(f"sqlite:///{database}")
    client.set_registered_model_alias("studio", "champion", version)
    with registry.model_folder("models:/studio@champion") as found:
        assert found.name == "models:/studio/1"
    assert registry.champion_version() == version
    assert [model.name for model in client.search_registered_models()] == ["studio"]
    assert client.get_experiment_by_name("studio") is not None
