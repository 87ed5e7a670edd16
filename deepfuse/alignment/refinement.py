"""Sub-pixel correction of a homography by what the tiles still ask for."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from deepfuse.alignment.motion import simplest_motion
from deepfuse.alignment.result import Matrix
from deepfuse.alignment.tiles import Votes

ROUNDS = 3
MIN_TILES = 6
NEAR_PX = 3.0
SETTLED_PX = 0.02


def refine(homography: Matrix, ask: Callable[[Matrix], Votes]) -> tuple[Matrix, Votes]:
    """Correct `homography` until the tiles are content; return it and their votes, which `ask` takes."""
    votes = ask(homography)
    for _ in range(ROUNDS):
        correction = fit_correction(votes)
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


def fit_correction(votes: Votes) -> Matrix | None:
    """The simplest motion that the tiles ask for; `None` if too few of them speak."""
    near = votes.clear & (np.linalg.norm(votes.shifts_px, axis=1) <= NEAR_PX)
    if near.sum() < MIN_TILES:
        return None
    target = votes.centres[near]
    return simplest_motion(target + votes.shifts_px[near], target)
