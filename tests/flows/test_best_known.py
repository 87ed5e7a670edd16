"""The shipped weights in the registry: the first champion, once, and beside an older installation's champion."""

from __future__ import annotations

import shutil
from pathlib import Path

import mlflow
import pytest
from support.projects import ROOT
from support.scores import scored
from support.trained_models import publish, registered

from deepfuse import registry
from deepfuse.evaluation.guards import TRUE_COLOUR
from deepfuse.model import SHIPPED, weights_sha256
from flows import best_known

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, float]:
    """Scores by hand, in which champions that are not shipped can be made worse; no golden check."""
    shutil.copy(ROOT / "params.yaml", tmp_path)
    changes: dict[str, float] = {}

    def scores(model: Path) -> dict[str, dict[str, float]]:
        own = {} if weights_sha256(model) == weights_sha256(SHIPPED) else changes
        return {"a": {**scored(mef_ssim=0.97), TRUE_COLOUR: 1.0, **own}}

    monkeypatch.setattr(best_known, "on_reference", scores)
    monkeypatch.setattr("deepfuse.registry.aliases._check", lambda version: None)
    return changes


def test_the_shipped_weights_become_champion_once_also_after_a_kill(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(registry, "promote", lambda version: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            best_known.publish_shipped.fn()
    assert registry.champion_version() is None
    for _ in range(2):
        best_known.publish_shipped.fn()
        assert registered() == [registry.champion_version()] == ["1"]
    with registry.model_folder("models:/deepfuse@champion") as found:
        assert weights_sha256(found.folder) == weights_sha256(SHIPPED)
    version = mlflow.MlflowClient().get_model_version("deepfuse", "1")
    assert version.tags["deepfuse.origin"] == "shipped"
    assert mlflow.get_run(version.run_id).data.metrics["reference.true_colour_error"] == 1.0


@pytest.mark.parametrize(("worse", "champion"), [({}, "1"), ({"halo": 0.5}, "2")])
def test_an_older_champion_stays_unless_it_is_worse_on_the_reference_set(
    tmp_path: Path, quick: dict[str, float], worse: dict[str, float], champion: str
) -> None:
    registry.promote(publish(tmp_path))
    quick.update(worse)
    best_known.publish_shipped.fn()
    assert registry.champion_version() == champion
    said = registry.version_tags("2")[registry.VERDICT_TAG]
    assert ("reference.halo is +0.5" in said) == bool(worse)

    registry.promote("1")  # a person's word is the last
    best_known.publish_shipped.fn()
    assert registry.champion_version() == "1"
