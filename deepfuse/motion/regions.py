"""Where something moved, which frame each such region is taken from, and which frames it is put into."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from deepfuse.color import Mask
from deepfuse.motion.detection import disagreement
from deepfuse.motion.proxies import CLIPPED, Proxy
from deepfuse.motion.tones import Known

GROWN_PX = 6  # round what differs: soft edges, shadows, blur of the motion
CLOSE_PX = 3  # round what differs, where the source is clipped or black: a soft edge alone
BLACK = 0.03  # no channel above: nothing to be seen
REACH_PX = 24  # round a region, where its tones are compared with those of the frame it is put into
PREFERENCE = 0.15  # share of a region that another frame must expose beyond what the base does

Labels = NDArray[np.int32]
Plane = NDArray[Any]
Box = tuple[int, int, int, int]
Ask = Callable[[int, int], Mask]


@dataclass(frozen=True)
class Region:
    """What moved, in a box (top, bottom, left, right) of the proxies with its surroundings.

    It is taken from the frame `source` and put into frames, in each where its mask, of the size of the box, is 1.
    """

    box: Box
    source: int
    masks: dict[int, Mask]


@dataclass(frozen=True)
class Motion:
    """What moved: (height, width) of the proxies, 0 where nothing did, else the label of a region; and their boxes."""

    labels: Labels
    boxes: tuple[Box, ...]
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
    _, labels, stats, _ = cv2.connectedComponentsWithStats(grown, connectivity=8)
    boxes = tuple(_box(stat, grown.shape) for stat in stats[1:])
    return Motion(np.asarray(labels, np.int32), boxes, pairs, tuple(order))


def choose_regions(motion: Motion, proxies: Sequence[Proxy], base: int) -> tuple[Region, ...]:
    """Which frame each region is taken from, and which it is put into: those that show something else there.

    It is taken from the base unless another frame exposes much more of it.
    """
    ask = _asker(motion, proxies)
    blind = [_badly_exposed(proxy) for proxy in proxies]
    found = []
    for label, box in enumerate(motion.boxes, 1):
        inside = cut(motion.labels, box) == label
        source = _source([float(cut(mask, box)[inside].mean()) for mask in blind], motion.order, base)
        into = _others(motion.order, source, partial(_differ, ask, box, inside))
        masks = {index: _told(inside, cut(blind[source], box), cut(ask(source, index), box)) for index in into}
        if masks := {index: mask for index, mask in masks.items() if mask.any()}:
            found.append(Region(box, source, masks))
    return tuple(found)


def cut(plane: Plane, box: Box) -> Plane:
    """The part of a plane (height, width, ...) in a box (top, bottom, left, right)."""
    top, bottom, left, right = box
    return plane[top:bottom, left:right]


def _box(stat: Labels, shape: tuple[int, ...]) -> Box:
    """A region's box with its surroundings, from what OpenCV knows of it."""
    left, top, width, height = (int(value) for value in stat[:4])
    bottom, right = min(top + height + REACH_PX, shape[0]), min(left + width + REACH_PX, shape[1])
    return max(top - REACH_PX, 0), bottom, max(left - REACH_PX, 0), right


def _differ(ask: Ask, box: Box, inside: Known, one: int, other: int) -> bool:
    return bool(cut(ask(one, other), box)[inside].any())


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
