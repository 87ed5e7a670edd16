"""The verdict on a challenger: a table of what may come, and what a verdict says."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.scores import changed, scored

from deepfuse.evaluation import Contender, Cost, Verdict, judge
from deepfuse.evaluation.judging import bootstrap_interval
from deepfuse.evaluation.verdict_text import as_markdown, as_record
from deepfuse.params import read_params

RULES = read_params(Path(__file__).parents[2] / "params.yaml").promote.model_copy(
    update={"min_scenes": 4, "min_gain": 0.0002, "max_drop": 0.02}
)
PYRAMID, PAPER = Cost(0.5, 67_000, 268_000), Cost(2.0, 89_000, 356_000)
CHAMPION = Contender(
    {f"s{i}": scored(mef_ssim=0.95 + 0.005 * i, mef_ssim_c=0.9, halo=0.01, chroma_gain=0.9) for i in range(8)},
    PYRAMID,
)
AVERAGE = {scene: changed(score, mef_ssim=score["mef_ssim"] - 0.05) for scene, score in CHAMPION.scores.items()}
NOISE = dict(zip(CHAMPION.scores, np.random.default_rng(0).normal(0, 0.002, 8), strict=True))


def moved(by: float = 0.0, *, cost: Cost = PYRAMID, **changes: float | Mapping[str, float]) -> Contender:
    """The champion with MEF-SSIM `by` higher on every scene, and more in other measures, or by scene."""
    scores = {}
    for scene, score in CHAMPION.scores.items():
        new = {name: score[name] + value for name, value in changes.items() if name not in CHAMPION.scores}
        own = by + changes.get(scene, 0.0)
        scores[scene] = changed(score, **{"mef_ssim": score["mef_ssim"] + own, **new})
    return Contender(scores, cost)


@pytest.mark.parametrize(
    ("challenger", "failed"),
    [
        pytest.param(moved(0.004), [], id="better"),
        pytest.param(moved(0.004, **NOISE), [], id="better, with noise"),
        pytest.param(moved(-0.004), ["sure_gain"], id="worse"),
        pytest.param(CHAMPION, ["sure_gain"], id="equal"),
        pytest.param(moved(**NOISE), ["sure_gain"], id="noise alone"),
        pytest.param(moved(0.0001), ["sure_gain"], id="better by less than the margin"),
        pytest.param(moved(0.004, s3=-0.03), ["sure_gain", "worst_scene"], id="one catastrophic scene"),
        pytest.param(moved(0.3, s3=-0.33), ["worst_scene"], id="a mean that hides a scene"),
        pytest.param(moved(0.004, mef_ssim_c=-0.03), ["mef_ssim_c"], id="colour structure"),
        pytest.param(moved(0.004, lightness_order_error=0.03), ["lightness_order_error"], id="order"),
        pytest.param(moved(0.004, clipped_share=0.02), ["clipped_share"], id="clipping"),
        pytest.param(moved(0.004, halo=0.006), ["halo"], id="halo"),
        pytest.param(moved(0.004, pinned_share=0.06), ["pinned_share"], id="bleached"),
        pytest.param(moved(0.004, colour_error=0.3), ["colour_error"], id="false colours"),
        pytest.param(moved(0.004, hue_error=0.2), ["hue_error"], id="pink lamps"),
        pytest.param(moved(0.004, false_colour=0.02), ["false_colour"], id="a colour edge"),
        pytest.param(moved(0.004, shadow_noise=0.06), ["shadow_noise"], id="noise"),
        pytest.param(moved(0.004, mef_ssim_c_luminance=-0.5), [], id="what is a factor of another"),
        pytest.param(moved(0.004, chroma_gain=-0.04), ["chroma_gain"], id="paler"),
        pytest.param(moved(0.004, chroma_gain=0.24), ["chroma_gain"], id="garish"),
        pytest.param(moved(0.004, chroma_gain=0.2), [], id="as far above 1 as it was below"),
        pytest.param(moved(0.004, cost=replace(PYRAMID, seconds_per_mp=1.01)), ["seconds_per_mp"], id="slow"),
        pytest.param(moved(0.004, cost=replace(PYRAMID, parameters=140_000)), ["parameters"], id="many weights"),
        pytest.param(moved(0.004, cost=replace(PYRAMID, size_bytes=540_000)), ["size_bytes"], id="large"),
        pytest.param(moved(0.004, cost=PAPER), ["seconds_per_mp"], id="another architecture"),
    ],
)
def test_a_challenger_must_pass_every_check(challenger: Contender, failed: list[str]) -> None:
    verdict = judge(challenger, CHAMPION, RULES)
    assert [check.name for check in verdict.checks if not check.passed] == failed
    assert verdict.promote is (not failed)
    assert all(name in verdict.reason for name in failed)


def test_the_numbers_of_a_verdict() -> None:
    verdict = judge(moved(0.004, s3=-0.001), CHAMPION, RULES)
    assert verdict.gain == pytest.approx(0.004 - 0.001 / 8)
    assert verdict.worst_scene == "s3"
    checks = {check.name: check for check in verdict.checks}
    assert (checks["scenes"].value, checks["scenes"].bound) == (8, 4)
    assert checks["worst_scene"].value == pytest.approx(0.003)
    assert checks["worst_scene"].champion == pytest.approx(0.965)
    assert verdict.interval == (checks["sure_gain"].value, pytest.approx(0.004))
    assert checks["seconds_per_mp"].value == 0
    assert judge(moved(0.004, s3=-0.001), CHAMPION, RULES) == verdict


def test_too_few_scenes_promote_nothing() -> None:
    def few(contender: Contender) -> Contender:
        return replace(contender, scores=dict(list(contender.scores.items())[:3]))

    verdict = judge(few(moved(0.01)), few(CHAMPION), RULES)
    assert [check.name for check in verdict.checks if not check.passed] == ["scenes"]
    assert not verdict.promote


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("measure", ["mef_ssim", "chroma_gain"])
def test_a_score_that_is_no_number_promotes_nothing_and_protects_nothing(bad: float, measure: str) -> None:
    broken = moved(**{measure: bad})
    for champion in (CHAMPION, broken, None):
        verdict = judge(broken, champion, RULES)
        assert not verdict.promote
        assert "not finite" in verdict.reason
    assert judge(CHAMPION, broken, RULES, baseline=AVERAGE).promote


def test_a_first_model_must_beat_the_baseline_and_nothing_else() -> None:
    first = replace(CHAMPION, scores={"s0": CHAMPION.scores["s0"]})
    assert judge(first, None, RULES).promote
    assert judge(first, None, RULES, baseline={"s0": AVERAGE["s0"]}).promote
    equal = judge(first, None, RULES, baseline=first.scores)
    assert not equal.promote
    assert [check.name for check in equal.checks] == ["above_baseline"]
    assert not judge(replace(first, scores={}), None, RULES).promote


def test_scores_of_other_scenes_are_not_compared() -> None:
    other = Contender({"elsewhere": CHAMPION.scores["s0"]}, PYRAMID)
    with pytest.raises(ValueError, match="same scenes"):
        judge(other, CHAMPION, RULES)


def test_an_equal_model_does_not_take_over_without_a_margin_either() -> None:
    assert not judge(CHAMPION, CHAMPION, RULES.model_copy(update={"min_gain": 0.0})).promote


def test_the_interval_is_that_of_every_possible_draw() -> None:
    """Of four scenes there are 256 draws; the bootstrap must find the quantiles of their means."""
    gains = np.array([0.001, 0.002, 0.004, 0.008])
    every = np.array([np.mean(draw) for draw in itertools.product(gains, repeat=4)])
    rules = RULES.model_copy(update={"confidence": 0.9, "resamples": 200_000})
    assert bootstrap_interval(gains, rules) == pytest.approx(np.quantile(every, [0.1, 0.9]), abs=1e-12)


def test_a_verdict_is_written_for_people_and_for_programs() -> None:
    verdict = judge(moved(0.004, halo=0.006), CHAMPION, RULES)
    text = as_markdown(verdict)
    assert text.startswith("**not promoted: halo is +0.006")
    assert "| halo | 0.01 | 0.016 | 0.006 | 0.005 | **no** |" in text
    assert text.count("\n| ") == 1 + len(verdict.checks)
    record = json.loads(json.dumps(as_record(verdict), allow_nan=False))
    halo = next(check for check in record["checks"] if check["name"] == "halo")
    assert (halo["bound"], halo["passed"], halo["champion"]) == (0.005, False, 0.01)
    assert as_record(Verdict(False, "", gain=math.nan))["gain"] is None
