"""How far what arrived is from what the champion was trained on, feature by feature."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from deepfuse.monitoring.arrived import NUMBERS, Arrived

FEWEST_BINS, MOST_BINS = 4, 10
IN_A_BIN = 5  # scenes of either side on average, as a χ² test wants them (Cochran 1954)
SMOOTHING = 0.5  # of a scene in each bin, lest an empty one make the index infinite
CONFIDENCE = 0.99
UNKNOWN, OTHER = "unknown", "another one"
Values = Sequence[Hashable]
Place = Callable[[Hashable], str]


@dataclass(frozen=True)
class Shift:
    """How one feature of today's scenes lies beside the champion's.

    Attributes:
        feature: its name.
        bins: what each bin holds, in words.
        before: how many of the champion's scenes are in each.
        after: how many of the new ones.
        psi: the population stability index; `None` where there are too few scenes to tell.
        chance: what the index passes in one of a hundred comparisons of scenes that are no different.
        over: whether it passes the bound, and chance.
    """

    feature: str
    bins: tuple[str, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]
    psi: float | None
    chance: float
    over: bool


def shifts(reference: Sequence[Arrived], today: Sequence[Arrived], *, bound: float, least: int) -> tuple[Shift, ...]:
    """Compare the scenes that the reference does not have with it.

    Args:
        reference: what the champion was trained on.
        today: all scenes of now; those of the reference are no news and do not count.
        bound: above which an index is a shift: 0.25 by custom (Siddiqi, Credit Risk Scorecards, 2006).
        least: scenes on either side below which there are too few to tell.

    Returns:
        One for each feature: refusals, the camera, and numbers.
    """
    known = {scene.scene for scene in reference}
    before, after = list(reference), [scene for scene in today if scene.scene not in known]
    taken = [scene for scene in before if not scene.refused], [scene for scene in after if not scene.refused]
    refusals = [["yes" if scene.refused else "no" for scene in side] for side in (before, after)]
    cameras = [[scene.camera or UNKNOWN for scene in side] for side in taken]
    found = [
        _shift("refused", refusals[0], refusals[1], str, bound, least),  # a refusal is one, however rare
        _shift("camera", cameras[0], cameras[1], _bins_of_names(cameras[0]), bound, least),
    ]
    for name in NUMBERS:
        old, new = ([getattr(scene, name) for scene in side] for side in taken)
        found.append(_shift(name, old, new, _bins_of_numbers(old, len(new)), bound, least))
    return tuple(found)


def headline(found: Sequence[Shift]) -> str:
    """What is to be said of a comparison, in a line."""
    over = [f"{one.feature} {one.psi:.2f}" for one in found if one.over]
    if over:
        return f"what arrived is of another kind than what the champion was trained on: {', '.join(over)}"
    if all(one.psi is None for one in found):
        return "too few scenes to tell whether what arrived is of another kind"
    return "what arrived is of the kind that the champion was trained on"


def psi(before: Sequence[int], after: Sequence[int]) -> float:
    """The population stability index of counts in the same bins: Σ (q − p) · ln(q / p) over their shares p and q.

    It is the symmetric divergence of Jeffreys, by its name of credit scoring: below 0.1 little has changed, above 0.25
    much (Siddiqi, Credit Risk Scorecards, 2006). Half a scene is added to each bin.

    >>> round(psi([10, 30, 60], [60, 30, 10]), 3)
    1.725
    """
    p, q = (_shares(counts) for counts in (before, after))
    return sum((new - old) * math.log(new / old) for old, new in zip(p, q, strict=True))


def chance_psi(bins: int, before: int, after: int, confidence: float = CONFIDENCE) -> float:
    """What the index of two samples of one population exceeds with the probability 1 − `confidence`.

    The index is then distributed as (1/n + 1/m) · χ² of bins − 1 degrees of freedom (Yurdakul and Naranjo, Statistical
    properties of the population stability index, Journal of Risk Model Validation 14, 2020), whose quantile is that of
    Wilson and Hilferty (1931).

    >>> round(chance_psi(10, 100, 100), 2)  # 21.666 / 50 by the table of χ²
    0.43
    """
    free = bins - 1
    if not (free and before and after):
        return 0.0
    z = NormalDist().inv_cdf(confidence)
    chi2 = free * (1 - 2 / (9 * free) + z * math.sqrt(2 / (9 * free))) ** 3
    return (1 / before + 1 / after) * chi2


def _shift(feature: str, before: Values, after: Values, place: Place, bound: float, least: int) -> Shift:
    one, other = Counter(map(place, before)), Counter(map(place, after))
    bins = sorted(one.keys() | other.keys())
    old, new = (tuple(side[name] for name in bins) for side in (one, other))
    enough = min(len(before), len(after)) >= least
    index, chance = psi(old, new) if enough else None, chance_psi(len(bins), len(before), len(after))
    over = index is not None and index > max(bound, chance)
    return Shift(feature, tuple(name.split("\t")[-1] for name in bins), old, new, index, chance, over)


def _shares(counts: Sequence[int]) -> list[float]:
    whole = sum(counts) + SMOOTHING * len(counts)
    return [(count + SMOOTHING) / whole for count in counts]


def _bins_of_names(reference: Values) -> Place:
    """Each name that the reference has often enough; all others are one bin."""
    often = {name for name, count in Counter(reference).items() if count >= IN_A_BIN}
    return lambda name: str(name) if name in often else OTHER


def _bins_of_numbers(reference: Values, new: int) -> Place:
    """Bins of equal shares of the reference, by its quantiles; a value that fills more than one is one of its own."""
    known = [float(value) for value in reference if isinstance(value, int | float)]
    count = max(FEWEST_BINS, min(MOST_BINS, len(reference) // IN_A_BIN, new // IN_A_BIN))
    cuts = np.quantile(known, np.arange(1, count) / count).tolist() if known else []
    edges = sorted(set(cuts))
    lone = {edge for edge in edges if cuts.count(edge) > 1}  # a value that fills bins: what is next to it is another

    def place(value: Hashable) -> str:
        if not isinstance(value, int | float):
            return f"~\t{UNKNOWN}"
        at = bisect_right(edges, float(value))
        if value in lone:
            return f"{at:02d}\t{value:.3g}"
        return f"{at:02d}~\t{_range(edges, lone, at)}"

    return place


def _range(edges: Sequence[float], lone: Collection[float], at: int) -> str:
    if not edges:
        return "all"
    if at == 0:
        return f"< {edges[0]:.3g}"
    if at == len(edges):
        return f"{'>' if edges[-1] in lone else '≥'} {edges[-1]:.3g}"
    return f"{edges[at - 1]:.3g}–{edges[at]:.3g}"
