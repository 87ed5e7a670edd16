"""Where something moved, which frame each such region is taken from, and which frames it is put into."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from deepfuse.deghosting.detection import disagreement
from deepfuse.deghosting.proxies import Mask, Proxy
from deepfuse.deghosting.tones import Known

GROWN_PX = 6  # round what differs: soft edges, shadows, blur of the motion
CLOSE_PX = 3  # round what differs, where the source is clipped or black: a soft edge alone
CLIPPED, BLACK = 0.97, 0.03
PREFERENCE = 0.15  # share of a region that another frame must expose beyond what the base does

Labels = NDArray[np.int32]
Ask = Callable[[int, int], Mask]


@dataclass(frozen=True)
class Region:
    """The pixels of one label: taken from the frame `source`, put into frames, in each where its mask is 1."""

    label: int
    source: int
    masks: dict[int, Mask]


@dataclass(frozen=True)
class Motion:
    """What moved: (height, width) of the proxies, 0 where nothing did, else the label of a region."""

    labels: Labels
    pairs: dict[tuple[int, int], Mask]
    order: tuple[int, ...]

    @property
    def share(self) -> float:
        """Share of the picture that moved, 0 to 1."""
        return float((self.labels > 0).mean())


def find_motion(proxies: Sequence[Proxy]) -> Motion:
    """Compare each exposure with the next brighter one."""
    order = sorted(range(len(proxies)), key=lambda index: float(proxies[index].planes.mean()))
    pairs = {(a, b): disagreement(proxies[a], proxies[b]) for a, b in itertools.pairwise(order)}
    grown = _grown(np.asarray(np.bitwise_or.reduce(list(pairs.values()))))
    return Motion(np.asarray(cv2.connectedComponents(grown, connectivity=8)[1], np.int32), pairs, tuple(order))


def choose_regions(motion: Motion, proxies: Sequence[Proxy], base: int) -> tuple[Region, ...]:
    """Which frame each region is taken from, and which it is put into: those that show something else there.

    It is taken from the base unless another frame exposes much more of it.
    """
    ask = _asker(motion, proxies)
    blind = [_badly_exposed(proxy) for proxy in proxies]
    found = []
    for label in range(1, int(motion.labels.max()) + 1):
        inside = motion.labels == label
        source = _source([float(mask[inside].mean()) for mask in blind], motion.order, base)
        into = _others(motion.order, source, partial(_differ, ask, inside))
        masks = {index: _told(inside, blind[source], ask(source, index)) for index in into}
        if masks := {index: mask for index, mask in masks.items() if mask.any()}:
            found.append(Region(label, source, masks))
    return tuple(found)


def _differ(ask: Ask, inside: Known, one: int, other: int) -> bool:
    return bool(ask(one, other)[inside].any())


def _source(bad: Sequence[float], order: Sequence[int], base: int) -> int:
    """The base, or the frame that exposes most; of equals the nearest in exposure, the darker one first."""
    place = {index: at for at, index in enumerate(order)}
    best = min(order, key=lambda index: (round(bad[index], 3), abs(place[index] - place[base]), place[index]))
    return base if bad[base] - bad[best] <= PREFERENCE else best


def _others(order: Sequence[int], source: int, differ: Callable[[int, int], bool]) -> tuple[int, ...]:
    """Walk from the source to darker and to brighter frames.

    A frame differs if it does so from the source, or from its neighbour that does not: frames far apart cannot tell.
    """
    at, found = order.index(source), []
    for way in (order[at + 1 :], order[:at][::-1]):
        last, alike = source, True
        for index in way:
            alike = not differ(source, index) and not (alike and differ(last, index))
            last = index
            if not alike:
                found.append(index)
    return tuple(sorted(found))


def _told(inside: Known, blind: Known, differs: Mask) -> Mask:
    """A region without the parts of which the source tells nothing and that do not contradict it."""
    untold = (inside & blind & (cv2.dilate(differs, _disc(CLOSE_PX)) == 0)).astype(np.uint8)
    return np.asarray(inside & (cv2.morphologyEx(untold, cv2.MORPH_OPEN, _disc(GROWN_PX)) == 0), np.uint8)


def _grown(mask: Mask) -> Mask:
    return np.asarray(cv2.dilate(mask, _disc(GROWN_PX)), np.uint8) if mask.any() else mask


def _disc(radius_px: int) -> Mask:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius_px + 1,) * 2), np.uint8)


def _asker(motion: Motion, proxies: Sequence[Proxy]) -> Ask:
    """What differs between any two frames, their tones learned from what stood still; each pair compared once."""
    still = motion.labels == 0
    known = {frozenset(pair): mask for pair, mask in motion.pairs.items()}

    def ask(one: int, other: int) -> Mask:
        pair = frozenset((one, other))
        if pair not in known:
            known[pair] = disagreement(proxies[one], proxies[other], still)
        return known[pair]

    return ask


def _badly_exposed(proxy: Proxy) -> Known:
    highest = proxy.planes.max(axis=0)
    return np.asarray((highest > CLIPPED) | (highest < BLACK))
