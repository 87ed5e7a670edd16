"""Two motions in one pair: clouds, people and cars move one way, what stands still tells how the camera moved."""

from __future__ import annotations

from enum import Enum

import numpy as np

from deepfuse.alignment.ambiguity import alias_shifts
from deepfuse.alignment.geometry import translation
from deepfuse.alignment.pair import Pair
from deepfuse.alignment.proxy import Proxy
from deepfuse.alignment.refinement import refine
from deepfuse.alignment.result import Matrix
from deepfuse.alignment.tiles import Votes, tile_px

UNEXPLAINED = 0.25  # of the tiles that could speak, left by a motion, before another one is looked for
STILL_SHARE = 0.35  # of the tiles of a motion: so many that stand still instead make the camera still
EQUAL_SHARE = 0.6  # the same for another motion: none of the two is more than the other
BELOW_SHARE = 0.35  # the same where the other one lies below: the first may be clouds
BELOW = 0.2  # of the height, between the middles of the two


class Verdict(Enum):
    """What the tiles that a motion does not explain make of it."""

    STANDS = "stands"
    STILL = "the camera stood still"
    AMBIGUOUS = "either could be the camera's"


def judge(homography: Matrix, pair: Pair) -> Verdict:
    """Whether `homography`, frame to reference in proxy pixels, is the camera's motion, not that of something large."""
    votes = pair.ask(homography)
    spoke = np.isfinite(votes.at_zero) & (votes.at_zero != 0)  # flat ones correlate with nothing
    if votes.agreeing.sum() > (1 - UNEXPLAINED) * spoke.sum():
        return Verdict.STANDS
    still = pair.still.agreeing & ~votes.agreeing
    if still.sum() >= max(pair.gate.still_tiles, STILL_SHARE * votes.count):
        return Verdict.AMBIGUOUS if pair.edges_object else Verdict.STILL
    rest = Pair(_without(votes, pair.reference), pair.frame, pair.gate)
    shifts = alias_shifts(homography, rest.reference, rest.frame)
    found = (refine(translation(*shift) @ homography, rest.ask)[1] for shift in shifts)
    return Verdict.AMBIGUOUS if any(_equals(others, votes, pair) for others in found) else Verdict.STANDS


def _equals(others: Votes, votes: Votes, pair: Pair) -> bool:
    """Whether the other tiles agree on a motion of their own, and are as many or lie below."""
    if not others.confirm(pair.gate.moving_tiles):
        return False
    lower = _middle(others) - _middle(votes) > BELOW * pair.reference.size[1]
    return others.count >= (BELOW_SHARE if lower else EQUAL_SHARE) * votes.count


def _without(votes: Votes, reference: Proxy) -> Proxy:
    """The reference with the agreeing tiles blackened, so that they say nothing."""
    luma, reach = reference.luma.copy(), tile_px(reference.size) // 2
    for x, y in np.rint(votes.centres[votes.agreeing]).astype(int):
        luma[max(y - reach, 0) : y + reach + 1, max(x - reach, 0) : x + reach + 1] = 0.0
    valid = reference.valid * (luma > 0)
    return Proxy(luma, np.asarray(valid, dtype=np.uint8))


def _middle(votes: Votes) -> float:
    """Median height of the agreeing tiles, in pixels from the top."""
    return float(np.median(votes.centres[votes.agreeing, 1]))
