"""Repeating patterns: is there another motion by which two frames match as well as by the one found?"""

from __future__ import annotations

from collections.abc import Callable

from deepfuse.alignment.coarse import best_shifts
from deepfuse.alignment.geometry import to_full_size, translation
from deepfuse.alignment.proxy import Proxy, warped
from deepfuse.alignment.refinement import refine
from deepfuse.alignment.result import Matrix
from deepfuse.alignment.tiles import Votes, clearly_better


def best_alias(
    homography: Matrix, reference: Proxy, frame: Proxy, *, ask: Callable[[Matrix], Votes], min_tiles: int
) -> Matrix | None:
    """Of a motion, frame to reference in proxy pixels, and its aliases the one that matches clearly better.

    Args:
        homography: the motion found.
        ask: what the tiles say to a motion.
        min_tiles: as many agreeing tiles make an alias count.

    Returns:
        `homography`, or the alias that matches better; `None` where two match alike: the motion is ambiguous.
    """
    votes = ask(homography)
    for shift in alias_shifts(homography, reference, frame):
        alias, other = refine(translation(*shift) @ homography, ask)
        if not other.confirm(min_tiles) or clearly_better(votes, other):
            continue
        if not clearly_better(other, votes):
            return None
        homography, votes = alias, other
    return homography


def alias_shifts(homography: Matrix, reference: Proxy, frame: Proxy) -> list[tuple[float, float]]:
    """Shifts in proxy pixels, looked for at half the size, at which the moved frame also resembles the reference."""
    half = to_full_size(homography, reference.half.size, reference.size)
    shifts = best_shifts(reference.half, warped(frame.half, half, reference.half.size))
    return [(2 * x, 2 * y) for x, y in shifts if max(abs(x), abs(y)) >= 2]
