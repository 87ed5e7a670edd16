"""Databases and buckets: what each needs, and who gets their keys."""

from __future__ import annotations

from pathlib import Path

import pytest

from deepfuse import registry
from deepfuse.errors import ModelError, NotInstalledError
from deepfuse.registry import settings
from flows import pipeline
from flows.login import BUCKET, DATABASES


@pytest.mark.parametrize(
    ("address", "extra"), [("postgresql://there/mlflow", "postgres"), ("s3://studio/mlflow", "s3")]
)
def test_a_package_that_a_store_needs_is_named(monkeypatch: pytest.MonkeyPatch, address: str, extra: str) -> None:
    monkeypatch.setattr(settings, "find_spec", lambda name: None)
    with pytest.raises(NotInstalledError, match=rf"got none: pip install 'deepfuse\[{extra}\]'"):
        settings.require_driver(address)
    for free in ("sqlite:////here/mlflow.db", "/here/mlruns"):
        settings.require_driver(free)


def test_no_second_registry_is_begun_beside_the_one_on_a_database(
    workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(settings.DATABASE, "postgresql://there/mlflow")
    with pytest.raises(ModelError, match="MLFLOW_BACKEND_STORE_URI is set: expected MLFLOW_TRACKING_URI"):
        registry.champion_version()
    monkeypatch.setenv(settings.ADDRESS, "http://there")
    assert settings.tracking_uri() == "http://there"


def test_what_decodes_photos_gets_no_key_of_a_bucket_or_a_database(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*BUCKET, *DATABASES):
        monkeypatch.setenv(name, "secret")
    for command, keys in (("push", set(BUCKET)), ("repro", set()), ("exp", set())):
        assert {name for name, value in pipeline.environment(command).items() if value == "secret"} == keys
