"""The content of one frame in another, in its tones, without a seam."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from deepfuse.color import Float, Image, from_float, to_float
from deepfuse.deghosting.proxies import Mask, Proxy
from deepfuse.deghosting.tones import Known, ToneCurve

FEATHER_PX = 4  # of the proxy
REACH_PX = 24  # round a region, where its tones are compared with those of the frame it is put into
CLIPPED = 0.97  # says nothing of tones
MOST_OFFSET = 0.1
SIDES_PX = (97, 49, 25, 13)
_FEW = 0.01  # a share of pixels that tells little

Plane = NDArray[Any]
Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Patch:
    """What is put into a frame, in pixels of the proxy: its box (top, bottom, left, right), how much of it (height,
    width, 0 to 1), what is added to the source's tones there (height, width, 3), and the curve to these tones."""

    box: Box
    alpha: Float
    offset: Float
    curve: ToneCurve


def make_patch(mask: Mask, still: Known, curve: ToneCurve, source: Proxy, target: Proxy) -> Patch:
    """Where and how strongly a region is put into a frame, so that it continues what is round it.

    Args:
        mask: (height, width) of the proxies, 1 where the source's content belongs.
        still: (height, width), where nothing moved.
        curve: the source's tones in those of the target.
        source: the frame it is taken from.
        target: the frame it is put into.
    """
    box = _box(mask)
    alpha = np.clip(2 * cv2.GaussianBlur(_cut(mask, box).astype(np.float32), (0, 0), FEATHER_PX), 0, 1)
    here, there = (np.dstack([_cut(plane, box) for plane in proxy.planes]) for proxy in (source, target))
    telling = (_cut(still, box) & (here.max(axis=2) < CLIPPED)).astype(np.float32)
    offset = _offset(np.clip(there - curve(here), -MOST_OFFSET, MOST_OFFSET), telling)
    return Patch(box, np.asarray(alpha, np.float32), offset, curve)


def put(patch: Patch, source: Image, target: Image, proxy_shape: tuple[int, int]) -> None:
    """Write the source's content into the target (H, W, 3), both in full size and of one dtype."""
    scale = target.shape[0] / proxy_shape[0], target.shape[1] / proxy_shape[1]
    top, bottom = (round(edge * scale[0]) for edge in patch.box[:2])
    left, right = (round(edge * scale[1]) for edge in patch.box[2:])
    place = slice(top, bottom), slice(left, right)
    alpha, offset = (_enlarged(values, patch.box, scale, (top, bottom, left, right)) for values in
                     (patch.alpha, patch.offset))  # fmt: skip
    there = to_float(target[place])
    mixed = there + alpha[..., None] * (patch.curve(to_float(source[place])) + offset - there)
    target[place] = np.where(alpha[..., None] > 0, from_float(mixed, target.dtype), target[place])


def with_patch(alpha: Float | None, patch: Patch, shape: tuple[int, int]) -> Float:
    """How much of a frame (height, width) of the proxy is replaced, once a patch more is put into it."""
    whole = np.zeros(shape, np.float32) if alpha is None else alpha.copy()
    np.maximum(_cut(whole, patch.box), patch.alpha, out=_cut(whole, patch.box))
    return whole


def enlarged_mask(mask: Float, size: tuple[int, int]) -> Image:
    """A mask (h, w) of the proxy from 0 to 1 as (H, W) of uint8 in the full `size` = (width, height)."""
    return from_float(np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_LINEAR)), np.dtype(np.uint8))


def _box(mask: Mask) -> Box:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    height, width = mask.shape
    return (max(int(rows[0]) - REACH_PX, 0), min(int(rows[-1]) + 1 + REACH_PX, height),
            max(int(columns[0]) - REACH_PX, 0), min(int(columns[-1]) + 1 + REACH_PX, width))  # fmt: skip


def _cut(values: Plane, box: Box) -> Plane:
    top, bottom, left, right = box
    return values[top:bottom, left:right]


def _offset(difference: Float, weight: Float) -> Float:
    """A smooth continuation of (height, width, 3) into where `weight` is 0: the means of ever closer surroundings."""
    offset = np.zeros_like(difference)
    weighted = difference * weight[..., None]
    for side in SIDES_PX:
        share = cv2.blur(weight, (side, side))[..., None]
        offset = (cv2.blur(weighted, (side, side)) + _FEW * offset) / (share + _FEW)
    return np.asarray(cv2.blur(offset, (SIDES_PX[-1], SIDES_PX[-1])), np.float32)


def _enlarged(values: Float, box: Box, scale: tuple[float, float], full: Box) -> Float:
    """Part of a proxy's plane in the pixels of the full picture that it covers."""
    top, bottom, left, right = full
    y0, x0 = (top + 0.5) / scale[0] - 0.5 - box[0], (left + 0.5) / scale[1] - 0.5 - box[2]
    matrix = np.array([[1 / scale[1], 0, x0], [0, 1 / scale[0], y0]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    size = right - left, bottom - top
    return np.asarray(cv2.warpAffine(values, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE), np.float32)
