"""What a challenger may not make much worse: the guarded measures of the table, and the costs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from deepfuse.errors import ParamsError
from deepfuse.evaluation.cost import COSTS
from deepfuse.evaluation.verdict import Check, Contender, OnReference, at_least, at_most, mean_of
from deepfuse.metrics import table
from deepfuse.metrics.table import HEADLINE, Metric

if TYPE_CHECKING:
    from deepfuse.params import Promote, Reference

TRUE_COLOUR = "true_colour_error"
TRUTHS = {TRUE_COLOUR: "distance from the scene's own colours at the fused brightness, in Oklab, times 100"}
"""What is measured on the reference set against its truth, lower is better, beside the table of measures."""
REFERENCE = "reference."
"""How the names of checks on the reference set begin."""


def guards() -> list[str]:
    """Their names."""
    return [metric.name for metric in table.METRICS if metric.guarded] + list(COSTS)


def reference_guards() -> list[str]:
    """The names of what may not get worse on the reference set: the headline, what is guarded, and the truths."""
    return [metric.name for metric in _on_reference()] + list(TRUTHS)


def reference_means(scores: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """The means over the scenes of the reference set of what is guarded there."""
    return {name: mean_of(scores, name) for name in reference_guards()}


def _on_reference() -> list[Metric]:
    return [metric for metric in table.METRICS if metric.guarded or metric.name == HEADLINE]


def check_max_worse(rules: Promote) -> None:
    """Make sure that the rules bound each guard and nothing else.

    The table is not known to `read_params`, lest a new measure run every stage that reads params again.

    Raises:
        ParamsError: naming each guard without a bound and each bound of no guard.
    """
    faults = [
        *_faults("max_worse", rules.max_worse, guards()),
        *_faults("reference.max_worse", rules.reference.max_worse, reference_guards()),
    ]
    if faults:
        raise ParamsError("; ".join(faults))


def _faults(section: str, bounds: Mapping[str, float], names: list[str]) -> Iterator[str]:
    yield from (f"promote.{section}.{name}: expected a bound, got none" for name in names if name not in bounds)
    wanted = f"expected one of {', '.join(names)}"
    yield from (f"promote.{section}.{name}: {wanted}" for name in bounds if name not in names)


def guard_checks(challenger: Contender, champion: Contender, rules: Promote) -> Iterator[Check]:
    """What MEF-SSIM is blind to may not get much worse, nor the costs."""
    for metric in table.METRICS:
        if metric.guarded:
            means = champion.mean(metric.name), challenger.mean(metric.name)
            yield _guard(metric, rules.max_worse[metric.name], *means)
    for name in COSTS:
        before, after = getattr(champion.cost, name), getattr(challenger.cost, name)
        yield at_most(name, after / before - 1, rules.max_worse[name], before, after)


def _guard(metric: Metric, most: float, before: float, after: float) -> Check:
    if metric.better == "higher":
        return at_least(metric.name, after - before, -most, before, after)
    if metric.better == "nearest":
        distance = abs(after - metric.best) - abs(before - metric.best)
        return at_most(metric.name, distance, most, before, after)
    return at_most(metric.name, after - before, most, before, after)


def reference_checks(scores: OnReference, rules: Reference) -> Iterator[Check]:
    """On the reference set nothing may get worse than the best that a model known has there, measure by measure."""
    for metric in _on_reference():
        best = min(_means(scores, metric.name), key=partial(_loss, metric))
        after = mean_of(scores.challenger, metric.name)
        yield _named(_guard(metric, rules.max_worse[metric.name], best, after))
    for name in TRUTHS:
        best, after = min(_means(scores, name)), mean_of(scores.challenger, name)
        yield _named(at_most(name, after - best, rules.max_worse[name], best, after))
    yield _named(_worst_drop(scores, rules.max_drop))


def _worst_drop(scores: OnReference, most: float) -> Check:
    """The scene whose MEF-SSIM falls most below the best."""
    best = {scene: max(known[scene][HEADLINE] for known in scores.known.values()) for scene in scores.challenger}
    after = {scene: values[HEADLINE] for scene, values in scores.challenger.items()}
    worst = min(after, key=lambda scene: after[scene] - best[scene])
    return at_least("worst_scene", after[worst] - best[worst], -most, best[worst], after[worst])


def _named(check: Check) -> Check:
    return replace(check, name=f"{REFERENCE}{check.name}")


def _means(scores: OnReference, name: str) -> list[float]:
    return [mean_of(known, name) for known in scores.known.values()]


def _loss(metric: Metric, mean: float) -> float:
    return {"higher": -mean, "lower": mean, "nearest": abs(mean - metric.best)}[metric.better]
