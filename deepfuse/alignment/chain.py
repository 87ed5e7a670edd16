"""A whole bracket: neighbours in brightness are registered first, their motions chained to the reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from deepfuse.alignment.geometry import is_camera_motion, is_identity
from deepfuse.alignment.ladder import match_pair
from deepfuse.alignment.pair import STRONG, Gate, Pair, PairMatch
from deepfuse.alignment.proxy import Proxy, well_exposed_share
from deepfuse.alignment.result import Matrix
from deepfuse.alignment.still import still_unless_opposed

MIN_STILL = 2  # frames that do not move against each other; one alone says nothing of the camera

Attempt = tuple[int, PairMatch]  # the frame it was matched with, and what came of it


@dataclass(frozen=True)
class Link:
    """How a frame hangs on an already registered one, and its motion to the reference in proxy pixels."""

    frame: int
    target: int
    match: PairMatch
    homography: Matrix


@dataclass(frozen=True)
class Chain:
    """Links of the frames that hold, by frame, and everything that was tried for those that do not."""

    reference: int
    gate: Gate
    links: dict[int, Link]
    failed: dict[int, list[Attempt]]


def best_exposed(proxies: Sequence[Proxy]) -> int:
    """Index of the frame with the most well-exposed pixels, the first among equals."""
    return int(np.argmax([well_exposed_share(p) for p in proxies]))


def register_chain(proxies: Sequence[Proxy], gate: Gate) -> Chain:
    """Register every frame to the best-exposed one, walking away from it in both directions of brightness."""
    reference = best_exposed(proxies)
    order = np.argsort([float(p.luma.mean()) for p in proxies], kind="stable").tolist()
    middle = order.index(reference)
    chain = Chain(reference, gate, {reference: _anchor(reference)}, {})
    for walk in (order[middle + 1 :], order[:middle][::-1]):
        for frame in walk:
            _register(frame, _targets(frame, order, chain), proxies, chain)
    _leave_still(proxies, chain)
    return chain


def _anchor(reference: int) -> Link:
    return Link(reference, reference, PairMatch("reference", np.eye(3), 0, 0.0, sure=True), np.eye(3))


def _targets(frame: int, order: list[int], chain: Chain) -> list[int]:
    """Registered frames to try: the nearest in brightness, the reference, then the others by distance."""
    place = order.index(frame)
    near = sorted(chain.links, key=lambda other: abs(order.index(other) - place))
    return list(dict.fromkeys([near[0], chain.reference, *near]))


def _register(frame: int, targets: list[int], proxies: Sequence[Proxy], chain: Chain) -> None:
    """Add the frame's best supported link to `chain`, or what was tried in vain."""
    tried: list[Attempt] = []
    found: list[Link] = []
    for target in targets:
        matches = match_pair(Pair(proxies[target], proxies[frame], chain.gate))
        tried += [(target, match) for match in matches]
        if matches[-1].sure:
            found += _link(frame, target, matches[-1], chain, proxies[frame].size)
        if found and (target == chain.reference or found[-1].match.support >= STRONG):
            break
    if found:
        chain.links[frame] = max(found, key=lambda link: link.match.support)
    else:
        chain.failed[frame] = tried


def _leave_still(proxies: Sequence[Proxy], chain: Chain) -> None:
    """Take frames that could not be placed as still where all others provably are and none of those says otherwise."""
    if len(chain.links) < MIN_STILL or not all(is_identity(link.homography) for link in chain.links.values()):
        return
    for frame, tried in list(chain.failed.items()):
        targets = list(dict.fromkeys(target for target, _ in tried))
        asked = (still_unless_opposed(Pair(proxies[target], proxies[frame], chain.gate)) for target in targets)
        matches = [match for match in asked if match]
        if len(matches) == len(targets):
            chain.links[frame] = Link(frame, targets[0], matches[0], np.eye(3))
            del chain.failed[frame]


def _link(frame: int, target: int, match: PairMatch, chain: Chain, size: tuple[int, int]) -> list[Link]:
    homography = chain.links[target].homography @ match.homography
    if not is_camera_motion(homography, *size):
        return []
    return [Link(frame, target, match, homography / homography[2, 2])]
