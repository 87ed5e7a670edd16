"""What a challenger may not make much worse: the guarded measures of the table, and the costs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from deepfuse.errors import ParamsError
from deepfuse.evaluation.cost import COSTS
from deepfuse.evaluation.verdict import Check, Contender, at_least, at_most
from deepfuse.metrics import table
from deepfuse.metrics.table import Metric

if TYPE_CHECKING:
    from deepfuse.params import Promote


def guards() -> list[str]:
    """Their names."""
    return [metric.name for metric in table.METRICS if metric.guarded] + list(COSTS)


def check_max_worse(rules: Promote) -> None:
    """Make sure that the rules bound each guard and nothing else.

    The table is not known to `read_params`, lest a new measure run every stage that reads params again.

    Raises:
        ParamsError: naming each guard without a bound and each bound of no guard.
    """
    missing = [f"{name}: expected a bound, got none" for name in guards() if name not in rules.max_worse]
    unknown = [f"{name}: expected one of {', '.join(guards())}" for name in rules.max_worse if name not in guards()]
    if missing or unknown:
        raise ParamsError("; ".join(f"promote.max_worse.{fault}" for fault in missing + unknown))


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
