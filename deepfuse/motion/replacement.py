"""The content of one frame in another, in its tones, without a seam."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from deepfuse.color import Float, Image, Mask, from_float, to_float
from deepfuse.motion.proxies import CLIPPED, Proxy
from deepfuse.motion.regions import Box, Region, cut
from deepfuse.motion.tones import Known, ToneCurve

FEATHER_PX = 4  # of the proxy: less than the margin round what moved, so that this is replaced wholly
MOST_OFFSET = 0.1  # of the range: where the curve misses by more, something else is to be seen
STRIP_ROWS = 256  # at once, so that no whole frame is needed as floats
SIDES_PX = (97, 49, 25, 13)  # of surroundings, from a tenth of the proxy's side to about the feather's width
_FEW = 0.01  # a share of pixels that tells little


@dataclass(frozen=True)
class Patch:
    """What is put into a frame, in pixels of the proxy: its box (top, bottom, left, right), how much of it (height,
    width, 0 to 1), what is added to the source's tones there (height, width, 3), and the curve to these tones."""

    box: Box
    alpha: Float
    offset: Float
    curve: ToneCurve


def make_patch(region: Region, index: int, still: Known, curve: ToneCurve, proxies: tuple[Proxy, Proxy]) -> Patch:
    """Where and how strongly a region is put into a frame, so that it continues what is round it.

    Args:
        region: what moved.
        index: of the frame it is put into.
        still: (height, width), where nothing moved.
        curve: the tones of the frame it is taken from, in those of the one it is put into.
        proxies: these two frames.
    """
    here, there = (np.dstack([cut(plane, region.box) for plane in proxy.planes]) for proxy in proxies)
    telling = (cut(still, region.box) & (here.max(axis=2) < CLIPPED)).astype(np.float32)
    offset = smoothly_continued(np.clip(there - curve(here), -MOST_OFFSET, MOST_OFFSET), telling)
    return Patch(region.box, softened(region.masks[index]), offset, curve)


def put(patch: Patch, source: Image, target: Image, proxy_shape: tuple[int, int]) -> None:
    """Write the source's content into the target (H, W, 3), both in full size and of one dtype; by strips of rows."""
    scale = target.shape[0] / proxy_shape[0], target.shape[1] / proxy_shape[1]
    top, bottom = (round(edge * scale[0]) for edge in patch.box[:2])
    left, right = (round(edge * scale[1]) for edge in patch.box[2:])
    for start in range(top, bottom, STRIP_ROWS):
        full = start, min(start + STRIP_ROWS, bottom), left, right
        alpha = _enlarged(patch.alpha, patch.box, scale, full)[..., None]
        there = to_float(cut(target, full))
        here = patch.curve(to_float(cut(source, full))) + _enlarged(patch.offset, patch.box, scale, full)
        mixed = from_float(there + alpha * (here - there), target.dtype)
        np.copyto(cut(target, full), mixed, where=alpha > 0)


def softened(mask: Mask) -> Float:
    """A region's mask, 0 to 1, that fades out beyond its rim."""
    return np.asarray(np.clip(2 * cv2.GaussianBlur(mask.astype(np.float32), (0, 0), FEATHER_PX), 0, 1), np.float32)


def with_part(alpha: Float | None, part: Float, box: Box, shape: tuple[int, int]) -> Float:
    """How much of a frame (height, width) of the proxy is another one's, with a region more, which has this box."""
    whole = np.zeros(shape, np.float32) if alpha is None else alpha.copy()
    np.maximum(cut(whole, box), part, out=cut(whole, box))
    return whole


def enlarged_mask(mask: Float, size: tuple[int, int]) -> Image:
    """A mask (h, w) of the proxy from 0 to 1 as (H, W) of uint8 in the full `size` = (width, height)."""
    return from_float(np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_LINEAR)), np.dtype(np.uint8))


def smoothly_continued(difference: Float, weight: Float) -> Float:
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
