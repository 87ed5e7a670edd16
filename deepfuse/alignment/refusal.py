"""Why a frame cannot be laid on the others: in plain words, and what was found."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from deepfuse.alignment.chain import Attempt, Chain
from deepfuse.alignment.pair import Gate
from deepfuse.alignment.proxy import Proxy
from deepfuse.alignment.result import Unplaced

LITTLE = 0.05  # of a picture that is neither black nor white
PLAIN = 0.15  # of a picture with detail: a moon on black, a wall or a frame nine stops down have less
DETAIL = 0.01  # deviation of the luma round a pixel, 0 to 1: twice the noise of a clean exposure
ROUND_PX = 9  # of the proxy: where that is measured


def unplaced_frames(chain: Chain, proxies: Sequence[Proxy]) -> tuple[Unplaced, ...]:
    """What is to be said of each frame that found no place in the chain, in order of the frames."""
    return tuple(
        Unplaced(frame, onto, _reason(proxies[frame], proxies[onto], tried, chain.gate), _found(tried, chain.gate))
        for frame, tried in sorted(chain.failed.items())
        for onto in [best_attempt(tried)[0]]
    )


def best_attempt(tried: Sequence[Attempt]) -> Attempt:
    """The one with the most matches, the first among equals."""
    return max(tried, key=lambda attempt: attempt[1].inliers)


def _reason(frame: Proxy, onto: Proxy, tried: Sequence[Attempt], gate: Gate) -> str:
    matches = best_attempt(tried)[1].inliers
    if frame.valid.mean() < LITTLE:
        return "it is nearly black" if _mean(frame) < 0.5 else "it is nearly white"
    if min(_detail(frame), _detail(onto)) < PLAIN:
        return "one of these two frames shows too little"
    if any("repeating pattern" in match.method for _, match in tried):
        return "the picture repeats itself, and fits in several places"
    if (frame.valid & onto.valid).mean() < LITTLE:
        return "what one of these two frames shows is black or white in the other"
    if matches >= gate.min_inliers:
        return "too much moves between these two frames, or the camera changed its place"
    return "these two frames do not seem to show the same scene"


def _found(tried: Sequence[Attempt], gate: Gate) -> str:
    matches = best_attempt(tried)[1].inliers
    if matches >= gate.min_inliers:
        return f"the best of {len(tried)} tries found {matches} matches, which the rest of the picture contradicts"
    return f"the best of {len(tried)} tries found {matches} matches, {gate.min_inliers} are needed"


def _mean(proxy: Proxy) -> float:
    return float(proxy.luma.mean())


def _detail(proxy: Proxy) -> float:
    """Share of the picture, 0 to 1, in which something can be told from its surroundings."""
    side = (ROUND_PX, ROUND_PX)
    variance = cv2.blur(proxy.luma**2, side) - cv2.blur(proxy.luma, side) ** 2
    return float(((np.sqrt(np.maximum(variance, 0)) > DETAIL) & (proxy.valid > 0)).mean())
