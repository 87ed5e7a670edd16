"""The shipped weights in the registry: the first champion, once, and beside an older installation's champion."""

from __future__ import annotations

import shutil
from pathlib import Path

import mlflow
import pytest
from support.pictures import random_model
from support.projects import ROOT, set_params
from support.scores import scored
from support.trained_models import publish, registered

from deepfuse import registry
from deepfuse.cli import main
from deepfuse.evaluation import Contender, Cost, OnReference, Verdict, judge
from deepfuse.evaluation.guards import TRUE_COLOUR
from deepfuse.model import SHIPPED, weights_sha256, write_model
from deepfuse.params import read_params
from flows import best_known, pipeline, retrain

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


def test_the_shipped_weights_are_listed_with_the_scores_they_have(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    best_known.publish_shipped.fn()
    [shipped] = registry.versions()
    assert (shipped.test_score, shipped.reference_score) == (None, 0.97)

    version = publish(tmp_path)
    known = {"shipped": {"a": {**scored(mef_ssim=0.97), TRUE_COLOUR: 1.0}}}
    reference = OnReference({"a": {**scored(mef_ssim=0.98), TRUE_COLOUR: 1.0}}, known)
    cost = Cost(1.0, 1, 1)
    new, old = (Contender({"attic": scored(mef_ssim=value)}, cost) for value in (0.95, 0.93))
    retrain.keep_scores(version, "1", judge(new, old, read_params().promote, reference=reference))
    retrain.keep_scores(version, None, Verdict(False, "not finite"))
    assert main(["models"]) == 0
    _, one, two = (line.split() for line in capsys.readouterr().out.splitlines())
    assert (one[:4], two[:4]) == (["1", "champion", "0.9300", "0.9700"], ["2", "challenger", "0.9000", "0.9800"])


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


@pytest.mark.parametrize(
    ("in_start", "in_model", "up_to_date", "copied"),
    [
        pytest.param(None, None, True, True, id="nothing is there yet"),
        pytest.param(1, None, True, False, id="it is there"),
        pytest.param(2, 1, True, False, id="it came from here, and nothing else is new"),
        pytest.param(2, 1, False, True, id="it came from here, and there is more to learn"),
        pytest.param(2, 3, True, True, id="somebody made another one champion"),
    ],
)
def test_a_training_goes_on_from_what_is_named_unless_it_would_never_end(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    in_start: int | None,
    in_model: int | None,
    up_to_date: bool,
    copied: bool,
) -> None:
    monkeypatch.setattr(pipeline, "up_to_date", lambda: up_to_date)
    for seed, folder in ((1, tmp_path / "named"), (in_start, best_known.START), (in_model, pipeline.MODEL)):
        if seed is not None:
            write_model(random_model(seed), folder)
    set_params(tmp_path, {"train": {"start": "named"}})
    best_known.write_start.fn()
    wanted = 1 if copied else in_start
    write_model(random_model(wanted), tmp_path / "wanted")
    assert weights_sha256(best_known.START) == weights_sha256(tmp_path / "wanted")


def test_no_registry_is_asked_for_what_the_package_has(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(registry, "model_folder", lambda source: pytest.fail("it was asked"))
    for start in ("shipped", "scratch"):
        set_params(tmp_path, {"train": {"start": start}})
        best_known.write_start.fn()
        assert not best_known.start_changed()
