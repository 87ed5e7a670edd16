"""How often the gate of `params.yaml` promotes a worse model, and how often it misses a better one.

A challenger of known worth is the champion plus its gain plus the noise of scenes: what one network gains on one scene
and loses on another beside a second network of equal mean. That noise is drawn, scene by scene, from measured pairs of
networks: `promotion.csv` holds the MEF-SSIM of seven pyramid networks on 26 real brackets, darkest and brightest frame,
from `deepfuse.evaluation.score_scenes`. One network is one that was shipped. The others differ from the defaults in
`patch.exposures=2` (pairs), `train.loss_scales=1` (one_scale), `train.luminance_weight=0` (no_luminance) or in their
training scenes (scenes_a, scenes_b), and are trained for three epochs.
"""

from __future__ import annotations

import argparse
import csv
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepfuse.evaluation import Contender, Cost, Score, judge
from deepfuse.metrics.table import HEADLINE, METRICS
from deepfuse.params import Promote, read_params

FIGURES = Path(__file__).with_suffix(".csv")
SCENES = (2, 4, 6, 8, 12, 16, 26, 50, 200)
GAINS = (-0.002, -0.001, -0.0005, -0.0002, 0.0, 0.0002, 0.0005, 0.001, 0.002)
CLEARLY_BETTER = 0.001
BROKEN = -0.05  # on one scene of a challenger that is clearly better elsewhere
YEAR = 365
COST = Cost(1.0, 1, 1)

Noise = list[NDArray[np.float64]]


def main() -> None:
    """Print the share that is promoted, by number of scenes and by gain, and a year of challengers."""
    options = arguments()
    changes = {} if options.min_gain is None else {"min_gain": options.min_gain}
    changes |= {} if options.confidence is None else {"confidence": options.confidence}
    rules = read_params().promote.model_copy(update={**changes, "min_scenes": 1})
    noise = measured_noise(FIGURES)
    deviations = sorted(float(residual.std(ddof=1)) for residual in noise)
    print(f"{len(noise)} pairs of networks; a scene's noise has a standard deviation of", end=" ")
    print(f"{deviations[0]:.4f} to {deviations[-1]:.4f}, the median {np.median(deviations):.4f}")
    print(
        f"margin {rules.min_gain}, confidence {rules.confidence}, {options.draws} challengers a cell; promoted, in %:"
    )
    print("scenes" + "".join(f"{gain:>+9.4f}" for gain in GAINS) + "   broken | a year of: worse let in, better missed")
    for scenes in SCENES:
        print(f"{scenes:6}" + row(noise, scenes, rules, options.draws), flush=True)


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=1000, help="challengers a cell (default 1000)")
    parser.add_argument("--min-gain", type=float, help="instead of that in params.yaml")
    parser.add_argument("--confidence", type=float, help="instead of that in params.yaml")
    return parser.parse_args()


def measured_noise(path: Path) -> Noise:
    """What is left of the difference of each two networks, scene by scene, without its mean."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [[float(value) for name, value in row.items() if name != "scene"] for row in csv.DictReader(file)]
    differences = [a - b for a, b in combinations(np.array(rows).T, 2)]
    return [sign * (difference - difference.mean()) for difference in differences for sign in (1, -1)]


def row(noise: Noise, scenes: int, rules: Promote, draws: int) -> str:
    """The shares promoted at each gain, then those of a year in which every kind of challenger is as frequent."""
    rng = np.random.default_rng(scenes)
    shares = [promoted(noise, scenes, rules, draws, gain, rng) for gain in GAINS]
    broken = promoted(noise, scenes, rules, draws, CLEARLY_BETTER, rng, on_one=BROKEN)
    kinds = len(GAINS) + 1
    worse = sum(share for gain, share in zip(GAINS, shares, strict=True) if gain < 0) + broken
    missed = sum(1 - share for gain, share in zip(GAINS, shares, strict=True) if gain >= CLEARLY_BETTER)
    count_worse, count_better = (sum(gain < 0 for gain in GAINS) + 1), sum(gain >= CLEARLY_BETTER for gain in GAINS)
    cells = "".join(f"{100 * share:9.1f}" for share in [*shares, broken])
    year = f"{YEAR * worse / kinds:.1f} of {YEAR * count_worse / kinds:.0f} ({100 * worse / count_worse:.2f} %)"
    return f"{cells} | {year}, {100 * missed / count_better:.1f} %"


def promoted(
    noise: Noise, scenes: int, rules: Promote, draws: int, gain: float, rng: np.random.Generator, *, on_one: float = 0.0
) -> float:
    """The share of challengers of this worth that the gate lets through."""
    champion = contender(np.full(scenes, 0.99))
    count = 0
    for _ in range(draws):
        gains = gain + rng.choice(noise[rng.integers(len(noise))], scenes)
        gains[0] += on_one
        count += judge(contender(0.99 + gains), champion, rules).promote
    return count / draws


def contender(scores: NDArray[np.float64]) -> Contender:
    """A model of these scores that is alike in all else."""
    best = {metric.name: metric.best for metric in METRICS}
    return Contender({str(scene): Score({**best, HEADLINE: value}) for scene, value in enumerate(scores)}, COST)


if __name__ == "__main__":
    main()
