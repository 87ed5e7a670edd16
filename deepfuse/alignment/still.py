"""A frame that shows nothing to hold on to: may it be taken as still because the other frames of its bracket are?"""

from __future__ import annotations

import numpy as np

from deepfuse.alignment.coarse import match_coarse
from deepfuse.alignment.geometry import is_identity
from deepfuse.alignment.pair import Pair, PairMatch
from deepfuse.alignment.result import Matrix
from deepfuse.alignment.tiles import Votes

METHOD = "still, as the other frames are"
OUTLINE_PX = 1.5  # an outline lies that much off where light falls off towards it
BY_CHANCE = 1  # tiles that speak up wrongly


def still_unless_opposed(pair: Pair) -> PairMatch | None:
    """No motion, on the word of the other frames alone; `None` where anything in the two asks for another one.

    What speaks at all must not speak against it: the quarters, the tiles as they are and in common tones, one motion
    that tiles agree on, be it far.
    """
    alike = pair.alike
    quarters = alike.quarters
    asked_px = np.linalg.norm(quarters.shifts_px[quarters.clear], axis=1)
    if (asked_px > OUTLINE_PX).any() or any(_object(votes) for votes in (pair.still, alike.still)):
        return None
    if _prefer(alike, match_coarse(alike.reference, alike.frame)):
        return None
    votes = max(pair.still, alike.still, key=lambda votes: votes.count)
    residual = votes.residual_px if votes.count else float("nan")
    return PairMatch(METHOD, np.eye(3), votes.count, residual, sure=True)


def _object(votes: Votes) -> bool:
    """Whether clear tiles ask for a motion: more than agree to none, or several for the same one."""
    elsewhere = int(votes.clear.sum()) - votes.count
    return elsewhere > votes.count + BY_CHANCE or votes.opposed > max(votes.count, BY_CHANCE)


def _prefer(pair: Pair, motion: Matrix) -> bool:
    """Whether the tiles like a possible motion better than none."""
    if is_identity(motion) or not pair.is_possible(motion):
        return False
    return pair.ask(motion).count > pair.still.count + BY_CHANCE
