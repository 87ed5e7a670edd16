"""Sub-pixel correction of a homography by what the tiles still ask for."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from deepfuse.alignment.fitting import likely_motion, simplest_motion
from deepfuse.alignment.geometry import apply, corner_shift_px
from deepfuse.alignment.result import Matrix
from deepfuse.alignment.tiles import Votes

ROUNDS = 3  # corrections shrink fast
MIN_TILES = 6  # twelve coordinates, for up to eight parameters
NEAR_PX = 3.0  # a start is right within that; tiles that ask for more are wrong
SETTLED_PX = 0.02  # what is gained by less is not worth another round
POLISHED_PX = 1.5  # left to correct after refining; tiles that ask for more are wrong
KEPT_SHARE = 0.95  # of the agreeing tiles


def refine(homography: Matrix, ask: Callable[[Matrix], Votes], near_px: float = NEAR_PX) -> tuple[Matrix, Votes]:
    """Correct `homography` until the tiles are content; return it and their votes, which `ask` takes.

    Tiles that want to move by more than `near_px` are taken for wrong.
    """
    votes = ask(homography)
    for _ in range(ROUNDS):
        correction = fit_correction(votes, near_px)
        if correction is None:
            break
        corrected = correction @ homography
        answer = ask(corrected)
        if answer.count < votes.count or answer.residual_px >= votes.residual_px:
            break
        settled = votes.residual_px - answer.residual_px < SETTLED_PX
        homography, votes = corrected / corrected[2, 2], answer
        if settled:
            break
    return homography, votes


def polish(
    homography: Matrix, votes: Votes, ask: Callable[[Matrix], Votes], size: tuple[int, int]
) -> tuple[Matrix, Votes]:
    """Replace a refined `homography` by the likeliest one, as long as the tiles do not object."""
    for _ in range(ROUNDS):
        near = votes.clear & (np.linalg.norm(votes.shifts_px, axis=1) <= POLISHED_PX)
        if near.sum() < MIN_TILES:
            break
        target = votes.centres[near]
        source = apply(np.asarray(np.linalg.inv(homography)), target + votes.shifts_px[near])
        likely = likely_motion(source, target, homography, size)
        if corner_shift_px(likely @ np.linalg.inv(homography), *size) < SETTLED_PX:
            break
        answer = ask(likely)
        if answer.count < KEPT_SHARE * votes.count:
            break
        homography, votes = likely, answer
    return homography, votes


def fit_correction(votes: Votes, near_px: float) -> Matrix | None:
    """The simplest motion that the tiles ask for; `None` if too few of them speak."""
    near = votes.clear & (np.linalg.norm(votes.shifts_px, axis=1) <= near_px)
    if near.sum() < MIN_TILES:
        return None
    target = votes.centres[near]
    return simplest_motion(target + votes.shifts_px[near], target)
