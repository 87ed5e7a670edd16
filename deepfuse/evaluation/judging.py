"""Whether a challenger is better than the champion: a pure function of what was measured and of the rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import fsum
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from deepfuse.evaluation.guards import check_max_worse, guard_checks, reference_checks
from deepfuse.evaluation.scoring import Score
from deepfuse.evaluation.verdict import Check, Contender, OnReference, Verdict, at_least
from deepfuse.metrics.table import HEADLINE

if TYPE_CHECKING:
    from deepfuse.params import Promote


SURE_GAIN = "sure_gain"  # the check that has the mean MEF-SSIM of both on today's test scenes


def judge(
    challenger: Contender,
    champion: Contender | None,
    rules: Promote,
    *,
    baseline: Mapping[str, Score] | None = None,
    reference: OnReference | None = None,
) -> Verdict:
    """Decide whether the challenger becomes champion.

    A first model, or one whose champion has a score that is no number, need only be above the baseline in mean
    MEF-SSIM, and no worse on the reference set. Any other must pass every check.

    Args:
        challenger: scored on today's test scenes.
        champion: scored on the same scenes; `None` if there is no champion yet.
        rules: the section `promote` of params.yaml.
        baseline: scores of a plain fusion of the same scenes, which a first model must beat; `None` asks nothing.
        reference: scores on the reference set; `None` asks nothing.

    Raises:
        ValueError: the two were not scored on the same scenes.
        ParamsError: the rules bound other things than the guards.
    """
    check_max_worse(rules)
    if champion and challenger.scores.keys() != champion.scores.keys():
        got = f"{sorted(challenger.scores)} and {sorted(champion.scores)}"
        raise ValueError(f"expected scores of the same scenes, got {got}")
    on_reference = tuple(reference_checks(reference, rules.reference)) if reference else ()
    if not challenger.finite:
        return Verdict(False, "a challenger's score is not finite, or there is none")
    if champion is None or not champion.finite:
        return _judge_first(challenger, baseline, on_reference)
    gains = {
        scene: own[HEADLINE] - champion.scores[scene][HEADLINE] for scene, own in sorted(challenger.scores.items())
    }
    interval, worst = (
        bootstrap_interval(np.array(list(gains.values())), rules),
        min(gains, key=lambda scene: gains[scene]),
    )
    checks = (
        at_least("scenes", len(gains), rules.min_scenes),
        _sure_gain(interval[0], rules.min_gain, champion.mean(HEADLINE), challenger.mean(HEADLINE)),
        at_least(
            "worst_scene", gains[worst], -rules.max_drop, *(c.scores[worst][HEADLINE] for c in (champion, challenger))
        ),
        *guard_checks(challenger, champion, rules),
        *on_reference,
    )
    gain = fsum(gains.values()) / len(gains)
    better = f"the mean MEF-SSIM rises by {gain:.5f} over {len(gains)} scenes, its lower bound is {interval[0]:.5f}"
    reason = failures(checks) or better
    return Verdict(all(check.passed for check in checks), reason, gain, interval, checks, worst)


def failures(checks: Iterable[Check]) -> str:
    """What did not pass, in words; empty if all did."""
    return "; ".join(
        f"{check.name} is {check.value:+.5g}, the bound {check.bound:+.5g}" for check in checks if not check.passed
    )


def bootstrap_interval(gains: NDArray[np.float64], rules: Promote) -> tuple[float, float]:
    """The lower and the upper bound of the mean gain, each with `rules.confidence`.

    The paired bootstrap: scenes are drawn with replacement, the gain of each staying with its scene (Efron and
    Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13).
    """
    rng = np.random.default_rng(rules.seed)
    means = gains[rng.integers(0, len(gains), (rules.resamples, len(gains)))].mean(1)
    low, high = np.quantile(means, [1 - rules.confidence, rules.confidence])
    return float(low), float(high)


def _judge_first(
    challenger: Contender, baseline: Mapping[str, Score] | None, on_reference: tuple[Check, ...]
) -> Verdict:
    if failed := failures(on_reference):
        return Verdict(False, failed, checks=on_reference)
    if baseline is None:
        return Verdict(True, "there is no champion yet", checks=on_reference)
    plain, own = Contender(baseline, challenger.cost).mean(HEADLINE), challenger.mean(HEADLINE)
    check = Check("above_baseline", own - plain, 0.0, own > plain, plain, own)
    reason = f"there is no champion yet, and the baseline is at {plain:.4f}, this at {own:.4f}"
    return Verdict(check.passed, reason, checks=(check, *on_reference))


def _sure_gain(value: float, bound: float, *pair: float) -> Check:
    return Check(SURE_GAIN, value, bound, value > bound, *pair)  # with a bound of 0, an equal model is no better
