"""Frames that are picture only in part → whole ones: what one does not show is taken from another, in its tones."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from deepfuse.color import Image, Mask
from deepfuse.motion.exposedness import BLACK
from deepfuse.motion.proxies import CLIPPED, Proxy, make_proxy
from deepfuse.motion.regions import cut
from deepfuse.motion.replacement import Patch, put, smoothly_continued, softened
from deepfuse.motion.tones import Known, tone_curve
from deepfuse.proxy import whole

BLOCK_PX = 32  # of the proxy: about the width of a margin with its feather


@dataclass(frozen=True)
class _Bracket:
    """The proxies of frames, where each shows and exposes something, and their order from dark to bright."""

    proxies: tuple[Proxy, ...]
    shown: tuple[Known, ...]
    exposed: tuple[Known, ...]
    order: tuple[int, ...]
    base: int


def completed(frames: Sequence[Image], valid: Sequence[Mask | None], base: int) -> tuple[Image, ...]:
    """Fill what aligned frames do not show with what others show there.

    It comes from the base where that exposes it well, else from the frame nearest in exposure that does, and is fitted
    to the tones of the frame and to what is round it. Where no frame shows anything, the edge is continued.

    Args:
        frames: K arrays (H, W, 3) of one shape and dtype: uint8, uint16 or float32 (0 to 1), sRGB-encoded.
        valid: for each, (H, W) of uint8: 1 where it is picture, 0 elsewhere; `None` where all of it is.
        base: the frame that is preferred.

    Returns:
        The frames; those that are picture everywhere are the very arrays that came in.
    """
    if all(mask is None for mask in valid):
        return tuple(frames)
    made = [frame if mask is None else continued(frame, mask) for frame, mask in zip(frames, valid, strict=True)]
    bracket = _bracket(made, valid, base)
    for index in (index for index, mask in enumerate(valid) if mask is not None):
        for patch, source in _patches(index, bracket):
            for part in _blocks(patch):
                put(part, made[source], made[index], bracket.proxies[index].shape)
    return tuple(made)


def shown_by(least: int, valid: Sequence[Mask | None]) -> Mask | None:
    """(H, W), 1 where that many frames or more are picture and 0 elsewhere; `None` where they are everywhere."""
    masks = [mask for mask in valid if mask is not None]
    wanted = least - (len(valid) - len(masks))
    if wanted <= 0:
        return None
    shown: Mask = np.asarray(np.sum(masks, axis=0, dtype=np.uint16) >= wanted, np.uint8)
    return None if shown.all() else shown


def continued(frame: Image, valid: Mask) -> Image:
    """A copy of a frame (H, W, 3) in which each pixel that is no picture, by the mask (H, W), is the nearest one."""
    made = frame.copy()
    outside = valid == 0
    if outside.all():
        return made
    _, label = cv2.distanceTransformWithLabels(1 - valid, cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL)
    wanted = np.zeros(int(label.max()) + 1, bool)
    wanted[label[outside]] = True
    rim = wanted[label] & ~outside
    value_of = np.empty((len(wanted), 3), frame.dtype)
    value_of[label[rim]] = made[rim]
    made[outside] = value_of[label[outside]]
    return made


def _bracket(frames: Sequence[Image], valid: Sequence[Mask | None], base: int) -> _Bracket:
    proxies = tuple(make_proxy(frame) for frame in frames)
    shown = tuple(_shown(mask, proxy.shape) for mask, proxy in zip(valid, proxies, strict=True))
    highest = [proxy.planes.max(axis=0) for proxy in proxies]
    exposed = tuple((plane <= CLIPPED) & (plane >= BLACK) for plane in highest)
    light = [float(proxy.planes.mean()) for proxy in proxies]
    order = tuple(sorted(range(len(frames)), key=lambda index: light[index]))
    return _Bracket(proxies, shown, exposed, order, base)


def _shown(mask: Mask | None, shape: tuple[int, int]) -> Known:
    return np.ones(shape, bool) if mask is None else whole(mask, (shape[1], shape[0])) > 0


def _patches(index: int, bracket: _Bracket) -> Iterator[tuple[Patch, int]]:
    """What is put into a frame, and from which frame it comes: first what the others expose well."""
    left = ~bracket.shown[index]
    for well, source in itertools.product((True, False), _sources(index, bracket)):
        exposed = bracket.exposed[source]
        part = left & bracket.shown[source] & (exposed if well else True)
        if part.any():
            left &= ~part
            yield _patch(part, (index, source), exposed if well else ~exposed, bracket), source


def _patch(part: Known, pair: tuple[int, int], alike: Known, bracket: _Bracket) -> Patch:
    """A part of a frame in another one's tones, continuing what is round it where that exposes it alike."""
    index, source = pair
    both, proxies = bracket.shown[index] & bracket.shown[source], (bracket.proxies[source], bracket.proxies[index])
    curve = tone_curve(*proxies, both)
    here, there = (np.ascontiguousarray(np.moveaxis(proxy.planes, 0, -1)) for proxy in proxies)
    offset = smoothly_continued(there - curve(here), (both & alike).astype(np.float32), np.zeros_like(there))
    alpha = softened(part.astype(np.uint8)) * bracket.shown[source]
    return Patch((0, part.shape[0], 0, part.shape[1]), alpha, curve, offset)


def _blocks(patch: Patch) -> Iterator[Patch]:
    """The parts of a patch in which it puts something: margins are little of a picture."""
    height, width = patch.alpha.shape
    for top, left in itertools.product(range(0, height, BLOCK_PX), range(0, width, BLOCK_PX)):
        box = top, min(top + BLOCK_PX, height), left, min(left + BLOCK_PX, width)
        if cut(patch.alpha, box).any():
            yield replace(patch, box=box, alpha=cut(patch.alpha, box), offset=cut(patch.offset, box))


def _sources(index: int, bracket: _Bracket) -> list[int]:
    """The other frames: the base, then the nearest in exposure."""
    at = bracket.order.index(index)
    near = sorted(bracket.order, key=lambda other: abs(bracket.order.index(other) - at))
    return [other for other in dict.fromkeys([bracket.base, *near]) if other != index]
