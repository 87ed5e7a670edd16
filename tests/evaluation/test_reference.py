"""The reference set: known truth, measured once, and a gate that nothing worse than the best known passes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.scores import scored

from deepfuse.color import luma, to_float
from deepfuse.errors import ParamsError
from deepfuse.evaluation import (
    Contender,
    Cost,
    OnReference,
    check_max_worse,
    judge,
    reference,
    reference_checks,
    reference_guards,
    reference_scenes,
)
from deepfuse.evaluation.guards import TRUE_COLOUR
from deepfuse.evaluation.reference import reference_cache, reference_scores, true_colour_error
from deepfuse.evaluation.verdict_text import as_markdown
from deepfuse.incremental import SceneCache
from deepfuse.metrics.reexposure import reexposed
from deepfuse.model import SHIPPED
from deepfuse.params import read_params

PARAMS = read_params(Path(__file__).parents[2] / "params.yaml")
PROMOTE = PARAMS.promote
RULES = PROMOTE.reference
BETTER = Contender({f"s{index}": scored(mef_ssim=0.99) for index in range(8)}, Cost(1.0, 1, 1))
CHAMPION = Contender({f"s{index}": scored(mef_ssim=0.98) for index in range(8)}, Cost(1.0, 1, 1))


def on_reference(**changes: float) -> Mapping[str, Mapping[str, float]]:
    """Two scenes with some measures worse or better than a base."""
    base = {**scored(mef_ssim=0.97, chroma_gain=0.95, halo=0.01), TRUE_COLOUR: 1.0}
    return {scene: {name: value + changes.get(name, 0.0) for name, value in base.items()} for scene in ("a", "b")}


def test_the_set_is_the_same_each_time_and_its_truth_is_that_of_its_frames(
    small_reference: None, workplace: Path
) -> None:
    first, again = (reference_scenes.reference_scenes(SceneCache("reference", key)) for key in "ab")
    one, two = Path(".deepfuse/cache/reference").rglob("*.npz")
    assert one.read_bytes() == two.read_bytes()
    assert [scene.name for scene in first] == ["0_hand", "0_still"]
    for scene, same in zip(first, again, strict=True):
        assert len(scene.frames) == 3
        assert np.array_equal(scene.radiance, same.radiance)
        means = [frame.mean() for frame in scene.frames]
        assert means == sorted(means)
        shown = to_float(scene.frames[1])
        held = (shown.min(-1) > 0.2) & (shown.max(-1) < 0.8)  # where the camera is neither dark nor clipped
        assert np.abs(shown - reexposed(scene.radiance, luma(shown)))[held].mean() < 0.05


def test_colours_of_the_scene_have_no_error_and_others_have() -> None:
    orange = np.tile(np.float32([0.2, 0.1, 0.02]), (4, 4, 1))
    true = reexposed(orange, np.full((4, 4), 0.5, np.float32))
    assert true_colour_error(orange, true) < 0.01
    assert true_colour_error(orange, np.repeat(luma(true)[..., None], 3, axis=2)) > 5


def test_a_model_is_measured_once(small_reference: None, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = reference_cache(PARAMS.libraries)
    scores = reference_scores(SHIPPED, cache)
    assert scores["0_still"]["mef_ssim"] > 0.9
    assert set(reference_guards()) <= scores["0_hand"].keys()
    with monkeypatch.context() as patch:
        patch.setattr(reference, "reference_scenes", lambda cache: pytest.fail("it was measured again"))
        assert reference_scores(SHIPPED, cache) == scores
    other = replace(cache, base_key="other")
    assert reference_scores(SHIPPED, other) == scores, "another code is measured anew"


@pytest.mark.parametrize("name", reference_guards())
def test_nothing_may_be_worse_there_than_the_best_known(name: str) -> None:
    worse = -1.5 if name in ("mef_ssim", "mef_ssim_c", "chroma_gain") else 1.5  # chroma gain: farther from 1
    known = {"shipped": on_reference(), "champion": on_reference(**{name: -worse * RULES.max_worse[name] / 3})}
    passing = OnReference(on_reference(), known)
    failing = OnReference(on_reference(**{name: worse * RULES.max_worse[name] / 2}), known)
    assert [check.name for check in reference_checks(passing, RULES) if not check.passed] == []
    assert [check.name for check in reference_checks(failing, RULES) if not check.passed] == [f"reference.{name}"]


def test_the_gate_says_which_check_of_the_reference_set_failed() -> None:
    known = {"shipped": on_reference(), "champion": on_reference(mef_ssim=-0.1)}
    good, bad = (OnReference(on_reference(mef_ssim=by), known) for by in (0.0, -0.05))
    assert judge(BETTER, CHAMPION, PROMOTE, reference=good).promote
    refused = judge(BETTER, CHAMPION, PROMOTE, reference=bad)
    assert not refused.promote
    failed = [check.name for check in refused.checks if not check.passed]
    assert failed == ["reference.mef_ssim", "reference.worst_scene"]
    assert "| reference.halo |" in as_markdown(refused)
    assert "reference.mef_ssim is -0.05" in refused.reason


def test_a_first_model_passes_the_reference_set_too() -> None:
    bad = OnReference(on_reference(halo=0.1), {"shipped": on_reference()})
    verdict = judge(BETTER, None, PROMOTE, reference=bad)
    assert not verdict.promote
    assert verdict.reason.startswith("reference.halo is +0.1")
    assert judge(BETTER, None, PROMOTE, reference=OnReference(on_reference(), {"shipped": on_reference()})).promote


def test_a_number_that_is_none_is_no_pass() -> None:
    nan = OnReference(on_reference(halo=float("nan")), {"shipped": on_reference()})
    assert "reference.halo" in [check.name for check in reference_checks(nan, RULES) if not check.passed]


def test_a_bound_that_is_missing_is_named() -> None:
    bounds = {name: value for name, value in RULES.max_worse.items() if name != TRUE_COLOUR}
    rules = PROMOTE.model_copy(update={"reference": RULES.model_copy(update={"max_worse": bounds})})
    with pytest.raises(ParamsError, match=r"promote\.reference\.max_worse\.true_colour_error: expected a bound"):
        check_max_worse(rules)
