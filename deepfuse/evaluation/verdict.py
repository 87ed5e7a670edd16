"""What the promotion gate compares, and what it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import fsum, isfinite

from deepfuse.evaluation.cost import Cost
from deepfuse.evaluation.scoring import Score


@dataclass(frozen=True)
class Contender:
    """A model as it is judged: its scores by scene, and what it costs."""

    scores: Mapping[str, Score]
    cost: Cost

    @property
    def finite(self) -> bool:
        """Whether there are scores, and every number is one."""
        rows = (*self.scores.values(), vars(self.cost))
        numbers = [number for row in rows for number in row.values()]
        return bool(self.scores) and all(map(isfinite, numbers))

    def mean(self, measure: str) -> float:
        """A measure's mean over the scenes."""
        return mean_of(self.scores, measure)


@dataclass(frozen=True)
class OnReference:
    """Scores on the reference set, by scene and measure: the challenger's, and those of the best models known, by name.

    The scenes are the same for all.
    """

    challenger: Mapping[str, Mapping[str, float]]
    known: Mapping[str, Mapping[str, Mapping[str, float]]]


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


def mean_of(scores: Mapping[str, Mapping[str, float]], measure: str) -> float:
    """A measure's mean over the scenes."""
    return fsum(values[measure] for values in scores.values()) / len(scores)


def at_least(name: str, value: float, bound: float, *pair: float) -> Check:
    """The check that a number is the bound or more; `pair` are champion and challenger."""
    return Check(name, float(value), float(bound), bool(value >= bound), *pair)


def at_most(name: str, value: float, bound: float, *pair: float) -> Check:
    """The check that a number is the bound or less; `pair` are champion and challenger."""
    return Check(name, float(value), float(bound), bool(value <= bound), *pair)
