"""The ladder: a row of methods for two frames, each of which must prove its answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from deepfuse.alignment.ambiguity import best_alias
from deepfuse.alignment.coarse import match_coarse
from deepfuse.alignment.ecc import match_areas
from deepfuse.alignment.features import NORMALISATIONS, Match, match_features
from deepfuse.alignment.geometry import corner_shift_px, is_identity
from deepfuse.alignment.pair import STRONG, UNTOUCHED_PX, Pair, PairMatch
from deepfuse.alignment.refinement import refine
from deepfuse.alignment.result import Matrix
from deepfuse.alignment.rivals import Verdict, judge
from deepfuse.alignment.tiles import Votes, clearly_better

MAX_RESIDUAL_PX = 1.0  # chance leaves 1.4 within MAGSAC's 2 px
QUARTERS = 4  # all of them: each is worth several tiles
MIN_SPREAD = 0.35  # of both sides, covered by the tiles that confirm a motion


def match_pair(pair: Pair) -> list[PairMatch]:
    """All that was tried, the best supported sure answer last: the two as they are, else in common tones."""
    tried = _climb(pair)
    if not tried[-1].sure:
        again = [replace(found, method=f"{found.method}, in common tones", alike=True) for found in _climb(pair.alike)]
        tried = sorted(tried + again, key=lambda found: (found.sure, found.support))
    return tried


def _climb(pair: Pair) -> list[PairMatch]:
    """Try the rungs in turn until one is strong; all that was tried, the best supported sure answer last."""
    tried: list[PairMatch] = []
    for rung in _rungs(pair):
        found = _beyond_doubt(rung, pair) if rung.sure else rung
        tried.append(found)
        if found.sure and found.support >= STRONG:
            break
    return sorted(tried, key=lambda found: (found.sure, found.support))


def _beyond_doubt(found: PairMatch, pair: Pair) -> PairMatch:
    """`found`, or its better alias where the picture repeats itself; not sure where two of them match alike."""
    if is_identity(found.homography) and pair.edges_object:
        return replace(found, sure=False)
    best = best_alias(found.homography, pair.reference, pair.frame, ask=pair.ask, min_tiles=pair.gate.still_tiles)
    if best is None or not pair.is_possible(best):
        return replace(found, method=f"{found.method}, one of several in a repeating pattern", sure=False)
    if is_identity(best):
        return replace(found, homography=best)
    match judge(best, pair):
        case Verdict.STILL:
            return _still_though_much_moves(pair)
        case Verdict.AMBIGUOUS:
            return replace(found, method=f"{found.method}, one of two motions", sure=False)
    return replace(found, homography=best)


def _still_though_much_moves(pair: Pair) -> PairMatch:
    votes = pair.still
    support = votes.count / pair.gate.still_tiles
    return PairMatch("identity, though much moves", np.eye(3), votes.count, votes.residual_px, True, support)


def _rungs(pair: Pair) -> Iterator[PairMatch]:
    yield _by_tiles(pair)
    if pair.curves:
        yield _by_quarters(pair)
    yield _by_confirmation("tiles from coarse to fine", match_coarse(pair.reference, pair.frame), pair)
    for method, normalise in NORMALISATIONS.items():
        yield _by_features(method, match_features(pair.reference, pair.frame, normalise), pair)
    yield _by_confirmation("ecc", match_areas(pair.reference, pair.frame), pair)
    yield _by_suggestion(pair)


def _by_tiles(pair: Pair) -> PairMatch:
    """Frames that stand still, or moved by so little that the tiles see it."""
    still = pair.still
    if not pair.stands:
        return PairMatch("identity", np.eye(3), still.count, still.residual_px)
    homography, votes = _settle(np.eye(3), pair)
    method = "identity" if is_identity(homography) else "tiles"
    support = votes.count / pair.gate.still_tiles
    return PairMatch(method, homography, votes.count, votes.residual_px, True, support)


def _by_quarters(pair: Pair) -> PairMatch:
    """Frames that stand still and show little more than outlines."""
    found = pair.quarters
    sure = found.count == QUARTERS and pair.still.opposed < pair.gate.still_tiles
    return PairMatch("identity by quarters", np.eye(3), found.count, found.residual_px, sure, STRONG if sure else 0.0)


def _by_features(method: str, match: Match | None, pair: Pair) -> PairMatch:
    """Enough inliers prove it unless the tiles contradict; with too few, or in common tones, tiles must confirm."""
    if match is None or not pair.is_possible(match.homography):
        inliers = 0 if match is None else match.inliers
        return PairMatch(method, np.eye(3), inliers, float("inf"))
    if match.inliers < pair.gate.min_inliers or pair.curves:
        confirmed = _by_confirmation(f"{method}, confirmed by tiles", match.homography, pair)
        doubtful = PairMatch(method, np.eye(3), match.inliers, match.residual_px)
        return confirmed if confirmed.sure else doubtful
    homography, votes = _settle(match.homography, pair)
    if not votes.confirm(pair.gate.moving_tiles):
        homography, votes = _settle(homography, pair.alike)
    sure = match.residual_px <= MAX_RESIDUAL_PX and not votes.contradict(pair.gate.moving_tiles)
    support = match.inliers / pair.gate.min_inliers
    return PairMatch(method, homography, match.inliers, match.residual_px, sure, support)


def _by_confirmation(method: str, start: Matrix | None, pair: Pair) -> PairMatch:
    """A motion that nothing but the tiles can prove."""
    if start is None or not pair.is_possible(start):
        return PairMatch(method, np.eye(3), 0, float("inf"))
    homography, votes = _settle(start, pair)
    sure = votes.confirm(pair.gate.moving_tiles) and votes.cover(MIN_SPREAD, pair.reference.size)
    support = votes.count / pair.gate.moving_tiles
    return PairMatch(method, homography, votes.count, votes.residual_px, sure, support)


def _by_suggestion(pair: Pair) -> PairMatch:
    """Frames with little in common that stand still: no tile is sure of it, many lean to it, no quarter objects."""
    near = pair.still.near
    shifts = np.linalg.norm(pair.still.shifts_px[near], axis=1)
    residual = float(np.median(shifts)) if near.any() else float("inf")
    quarters = (pair if pair.curves else pair.alike).quarters
    spread = quarters.count >= QUARTERS - 1 and quarters.count == int(quarters.clear.sum())
    sure = spread and pair.still.suggest(pair.gate.faint_tiles)
    support = near.sum() / pair.gate.faint_tiles
    return PairMatch("identity by faint tiles", np.eye(3), int(near.sum()), residual, sure, float(support))


def _settle(start: Matrix, pair: Pair) -> tuple[Matrix, Votes]:
    """Refine `start`; exactly the identity unless the motion is large enough, possible and clearly better."""
    homography, votes = refine(start, pair.ask)
    if not pair.is_possible(homography):
        homography, votes = start, pair.ask(start)
    if corner_shift_px(homography, *pair.reference.size) < UNTOUCHED_PX:
        return np.eye(3), pair.still
    better = votes.confirm(pair.gate.moving_tiles) and clearly_better(votes, pair.still)
    if pair.stands and not better:
        return np.eye(3), pair.still
    return homography, votes
