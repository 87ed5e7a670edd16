"""Whether a challenger is better than the champion: a pure function of what was measured and of the rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import fsum, isfinite
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from deepfuse.evaluation.cost import Cost
from deepfuse.evaluation.scoring import Score

if TYPE_CHECKING:
    from deepfuse.params import Promote

KEPT_CHROMA = 1.0


@dataclass(frozen=True)
class Contender:
    """A model as it is judged: its scores by scene, and what it costs."""

    scores: Mapping[str, Score]
    cost: Cost

    @property
    def finite(self) -> bool:
        """Whether there are scores, and every number is one."""
        numbers = [number for values in (*self.scores.values(), self.cost) for number in vars(values).values()]
        return bool(self.scores) and all(map(isfinite, numbers))

    def mean(self, measure: str) -> float:
        """A measure's mean over the scenes."""
        return fsum(getattr(score, measure) for score in self.scores.values()) / len(self.scores)


@dataclass(frozen=True)
class Check:
    """One rule: a number, the bound that it must keep, and what champion and challenger had."""

    name: str
    value: float
    bound: float
    passed: bool
    champion: float | None = None
    challenger: float | None = None


@dataclass(frozen=True)
class Verdict:
    """Whether the challenger becomes champion, and why.

    The gain is in mean MEF-SSIM; each end of the interval holds with the confidence of the rules. Without a champion
    there is neither.
    """

    promote: bool
    reason: str
    gain: float | None = None
    interval: tuple[float, float] | None = None
    checks: tuple[Check, ...] = ()
    worst_scene: str | None = None


def judge(
    challenger: Contender,
    champion: Contender | None,
    rules: Promote,
    *,
    baseline: Mapping[str, Score] | None = None,
) -> Verdict:
    """Decide whether the challenger becomes champion.

    A first model, or one whose champion has a score that is no number, need only be above the baseline in mean
    MEF-SSIM: there is nothing to lose. Any other must pass every check.

    Args:
        challenger: scored on today's test scenes.
        champion: scored on the same scenes; `None` if there is no champion yet.
        rules: the section `promote` of params.yaml.
        baseline: scores of a plain fusion of the same scenes, which a first model must beat; `None` asks nothing.

    Raises:
        ValueError: the two were not scored on the same scenes.
    """
    if champion and challenger.scores.keys() != champion.scores.keys():
        got = f"{sorted(challenger.scores)} and {sorted(champion.scores)}"
        raise ValueError(f"expected scores of the same scenes, got {got}")
    if not challenger.finite:
        return Verdict(False, "a challenger's score is not finite, or there is none")
    if champion is None or not champion.finite:
        return _judge_first(challenger, baseline)
    gains = {scene: own.mef_ssim - champion.scores[scene].mef_ssim for scene, own in sorted(challenger.scores.items())}
    interval, worst = (
        bootstrap_interval(np.array(list(gains.values())), rules),
        min(gains, key=lambda scene: gains[scene]),
    )
    checks = (
        _at_least("scenes", len(gains), rules.min_scenes),
        _sure_gain(interval[0], rules.min_gain, champion.mean("mef_ssim"), challenger.mean("mef_ssim")),
        _at_least(
            "worst_scene", gains[worst], -rules.max_drop, *(c.scores[worst].mef_ssim for c in (champion, challenger))
        ),
        *_guards(challenger, champion, rules),
    )
    gain = fsum(gains.values()) / len(gains)
    better = f"the mean MEF-SSIM rises by {gain:.5f}, surely by {interval[0]:.5f}, over {len(gains)} scenes"
    reason = "; ".join(_failure(check) for check in checks if not check.passed) or better
    return Verdict(all(check.passed for check in checks), reason, gain, interval, checks, worst)


def _failure(check: Check) -> str:
    return f"{check.name} is {check.value:+.5g}, the bound {check.bound:+.5g}"


def bootstrap_interval(gains: NDArray[np.float64], rules: Promote) -> tuple[float, float]:
    """What the mean gain is surely above and surely below, each with `rules.confidence`.

    The paired bootstrap: scenes are drawn with replacement, the gain of each staying with its scene (Efron and
    Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13).
    """
    rng = np.random.default_rng(rules.seed)
    means = gains[rng.integers(0, len(gains), (rules.resamples, len(gains)))].mean(1)
    low, high = np.quantile(means, [1 - rules.confidence, rules.confidence])
    return float(low), float(high)


def _judge_first(challenger: Contender, baseline: Mapping[str, Score] | None) -> Verdict:
    if baseline is None:
        return Verdict(True, "there is no champion yet")
    plain, own = Contender(baseline, challenger.cost).mean("mef_ssim"), challenger.mean("mef_ssim")
    check = Check("above_baseline", own - plain, 0.0, own > plain, plain, own)
    reason = f"there is no champion yet, and the baseline is at {plain:.4f}, this at {own:.4f}"
    return Verdict(check.passed, reason, checks=(check,))


def _guards(challenger: Contender, champion: Contender, rules: Promote) -> Iterator[Check]:
    """What MEF-SSIM is blind to may not get much worse."""
    most = rules.max_worse
    before, after = champion.mean("mef_ssim_c"), challenger.mean("mef_ssim_c")
    yield _at_least("mef_ssim_c", after - before, -most.mef_ssim_c, before, after)
    for name in ("lightness_order_error", "clipped_share", "halo"):
        before, after = champion.mean(name), challenger.mean(name)
        yield _at_most(name, after - before, getattr(most, name), before, after)
    before, after = champion.mean("chroma_gain"), challenger.mean("chroma_gain")
    yield _at_most("chroma_gain", abs(after - KEPT_CHROMA) - abs(before - KEPT_CHROMA), most.chroma_gain, before, after)
    for name in ("seconds_per_mp", "parameters", "size_bytes"):
        before, after = getattr(champion.cost, name), getattr(challenger.cost, name)
        yield _at_most(name, after / before - 1, getattr(most, name), before, after)


def _sure_gain(value: float, bound: float, *pair: float) -> Check:
    return Check("sure_gain", value, bound, value > bound, *pair)  # with a bound of 0, an equal model is no better


def _at_least(name: str, value: float, bound: float, *pair: float) -> Check:
    return Check(name, float(value), float(bound), bool(value >= bound), *pair)


def _at_most(name: str, value: float, bound: float, *pair: float) -> Check:
    return Check(name, float(value), float(bound), bool(value <= bound), *pair)
