"""What moved against one reference frame, as whole things; which frame each is taken from and put into."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from deepfuse.color import Float, Mask
from deepfuse.motion.detection import disagreement
from deepfuse.motion.exposedness import least_lost
from deepfuse.motion.lights import lit_frame
from deepfuse.motion.proxies import Box, Proxy
from deepfuse.motion.tones import Known, tone_curve

GROWN_PX = 5  # round what differs: soft edges, shadows, blur of the motion
WHOLE_PX = 12  # parts of one thing are that near to each other on either side; what they enclose is the thing, too
REACH_PX = 24  # round a region, where its tones are compared with those of the frame it is put into

Labels = NDArray[np.int32]
Plane = NDArray[Any]
Ask = Callable[[int, int], Mask]


@dataclass(frozen=True)
class Region:
    """What moved, in a box (top, bottom, left, right) of the proxies with its surroundings.

    It is taken from the frame `source` and put into frames, in each where its mask, of the size of the box, is 1.
    `lit` says whether that frame was taken for the light that it alone shows.
    """

    box: Box
    source: int
    masks: dict[int, Mask]
    lit: bool = False


@dataclass(frozen=True)
class Motion:
    """Frames from dark to bright, and where each and the next one differ: masks (height, width) of the proxies.

    `told` is 1 where two frames are picture: nothing is seen to move where less are.
    """

    order: tuple[int, ...]
    pairs: dict[tuple[int, int], Mask]
    told: Mask | None = None

    @property
    def moved(self) -> Mask:
        """(height, width): 1 where any two neighbours differ."""
        return np.asarray(np.bitwise_or.reduce(list(self.pairs.values())))

    @property
    def share(self) -> float:
        """Share of the picture in which two neighbours differ, 0 to 1."""
        return float(self.moved.mean())

    @property
    def still(self) -> Known:
        """(height, width): where no two neighbours differ, nor near by."""
        return np.asarray(grown(self.moved) == 0)


def find_motion(proxies: Sequence[Proxy], told: Mask | None = None) -> Motion:
    """Compare each exposure with the next brighter one, where `told` (height, width) is 1; everywhere if `None`."""
    order = sorted(range(len(proxies)), key=lambda index: float(proxies[index].planes.mean()))
    pairs = {(a, b): _within(disagreement(proxies[a], proxies[b]), told) for a, b in itertools.pairwise(order)}
    return Motion(tuple(order), pairs, told)


def choose_reference(motion: Motion, losses: Sequence[Float], preferred: int) -> int:
    """The frame of which least is lost where something moved; the preferred one, unless another holds clearly more."""
    moved = motion.moved > 0
    return least_lost([float(loss[moved].mean()) for loss in losses], motion.order, preferred)


def choose_regions(
    motion: Motion, proxies: Sequence[Proxy], losses: Sequence[Float], reference: int, *, bound: bool
) -> tuple[Region, ...]:
    """Whole things that moved, and the frame that each is taken from.

    That is the reference, unless another frame alone shows light there, or most of the thing is lost in the reference
    and another holds it.

    Args:
        motion: what differs between the frames.
        proxies: the frames.
        losses: what `lost` says of each.
        reference: the frame that decides what is where.
        bound: everything is taken from it.
    """
    ask, still = _asker(motion, proxies), motion.still
    curve = cache(lambda one, other: tone_curve(proxies[one], proxies[other], still))
    from_reference = contradictions(ask, motion.order, reference)
    differing = np.asarray(np.bitwise_or.reduce(list(from_reference.values())))
    if not differing.any():
        return ()
    _, labels, stats, _ = cv2.connectedComponentsWithStats(_whole(differing), connectivity=8)
    found = []
    for label, stat in enumerate(stats[1:], 1):
        box = _box(stat, differing.shape)
        inside = cut(labels, box) == label
        core = inside & (cut(differing, box) > 0)
        parts = [proxy.cut(box) for proxy in proxies]
        lit = None if bound else lit_frame(parts, motion.order, core, ~inside, curve)
        held = least_lost([float(cut(loss, box)[core].mean()) for loss in losses], motion.order, reference)
        source = reference if bound else held if lit is None else lit
        differ = from_reference if source == reference else contradictions(ask, motion.order, source)
        whole = inside.astype(np.uint8)
        if masks := {index: whole for index, mask in differ.items() if cut(mask, box)[inside].any()}:
            found.append(Region(box, source, masks, source == lit))
    return tuple(found)


def contradictions(ask: Ask, order: Sequence[int], reference: int) -> dict[int, Mask]:
    """Where each other frame does not show what the reference does.

    From the reference one walks to darker and to brighter frames, for those far apart cannot tell: a frame differs
    where it does so from the reference, or from a neighbour that does not.
    """
    at, found = order.index(reference), dict[int, Mask]()
    for way in (order[at + 1 :], order[:at][::-1]):
        last = reference
        for index in way:
            differs = ask(reference, index)
            found[index] = differs if last == reference else differs | (ask(last, index) & (1 - found[last]))
            last = index
    return found


def cut(plane: Plane, box: Box) -> Plane:
    """The part of a plane (height, width, ...) in a box (top, bottom, left, right)."""
    top, bottom, left, right = box
    return plane[top:bottom, left:right]


def grown(mask: Mask) -> Mask:
    """A mask with a margin round what it marks."""
    return np.asarray(cv2.dilate(mask, _disc(GROWN_PX)), np.uint8) if mask.any() else mask


def _within(mask: Mask, told: Mask | None) -> Mask:
    return mask if told is None else mask & told


def _whole(differing: Mask) -> Mask:
    """Things of which parts differ: near parts joined, what they enclose filled, with a margin."""
    room = cv2.copyMakeBorder(differing, WHOLE_PX, WHOLE_PX, WHOLE_PX, WHOLE_PX, cv2.BORDER_REPLICATE)
    closed = cv2.morphologyEx(room, cv2.MORPH_CLOSE, _disc(WHOLE_PX))[WHOLE_PX:-WHOLE_PX, WHOLE_PX:-WHOLE_PX]
    outlines, _ = cv2.findContours(np.ascontiguousarray(closed), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return grown(np.asarray(cv2.drawContours(np.zeros_like(differing), outlines, -1, 1, cv2.FILLED), np.uint8))


def _box(stat: Labels, shape: tuple[int, ...]) -> Box:
    """A region's box with its surroundings, from what OpenCV knows of it."""
    left, top, width, height = (int(value) for value in stat[:4])
    bottom, right = min(top + height + REACH_PX, shape[0]), min(left + width + REACH_PX, shape[1])
    return max(top - REACH_PX, 0), bottom, max(left - REACH_PX, 0), right


def _disc(radius_px: int) -> Mask:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius_px + 1,) * 2), np.uint8)


def _asker(motion: Motion, proxies: Sequence[Proxy]) -> Ask:
    """What differs between any two frames, their tones learned from what stood still; each pair compared once."""
    still = motion.still
    known = {frozenset(pair): mask for pair, mask in motion.pairs.items()}

    def ask(one: int, other: int) -> Mask:
        pair = frozenset((one, other))
        if pair not in known:
            known[pair] = _within(disagreement(proxies[one], proxies[other], still), motion.told)
        return known[pair]

    return ask
