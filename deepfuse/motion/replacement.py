"""The content of one frame in another, in its tones, without a seam."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from deepfuse.color import Float, Image, Mask, from_float, to_float
from deepfuse.motion.content import MARGIN_PX, clipped_near, smoothed, told, unfringed
from deepfuse.motion.proxies import CLIPPED, Box, Proxy
from deepfuse.motion.regions import Region, cut
from deepfuse.motion.tones import Known, ToneCurve

FEATHER_PX = 3  # of the proxy: less than the margin round what moved, so that this is replaced wholly
MOST_OFFSET = 0.1  # of the range: where the curve misses by more, something else is to be seen
STRIP_ROWS = 256  # at once, so that no whole frame is needed as floats
SIDES_PX = (97, 49, 25, 13)  # of surroundings, from a tenth of the proxy's side to about the feather's width
STRETCHED = 2.0  # times that tones grow steeper: from there on noise is to be seen
_FEW = 0.01  # a share of pixels that tells little


@dataclass(frozen=True)
class Patch:
    """What is put into a frame, in pixels of the proxy: its box (top, bottom, left, right), how much of it (height,
    width, 0 to 1), the curve from the source's tones to the frame's, what is added to them there, and what the frame
    shows near by where the source is white: both (height, width, 3). `stretched` tones show noise. `white` is `None`
    where what is put into is no picture, so that it tells nothing."""

    box: Box
    alpha: Float
    curve: ToneCurve
    offset: Float
    white: Float | None = None
    stretched: bool = False


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
    stood = cut(still, region.box)
    shown = (stood & (here.max(axis=2) < CLIPPED)).astype(np.float32)
    offset = smoothly_continued(np.clip(there - curve(here), -MOST_OFFSET, MOST_OFFSET), shown, np.zeros_like(there))
    brightest = np.broadcast_to(curve.values[:, -1].mean(), there.shape)
    white = smoothly_continued(there, (stood & (here.min(axis=2) > CLIPPED)).astype(np.float32), brightest)
    steepness = cut(proxies[0].mean_of(curve.steepness), region.box)
    stretched = bool(np.median(steepness[region.masks[index] > 0]) > STRETCHED)
    alpha = softened(region.masks[index])
    left, top, width, height = cv2.boundingRect((alpha > 0).astype(np.uint8))
    part, box = (slice(top, top + height), slice(left, left + width)), region.box
    box = box[0] + top, box[0] + top + height, box[2] + left, box[2] + left + width
    return Patch(box, alpha[part], curve, offset[part], white[part], stretched)


def put(patch: Patch, source: Image, target: Image, proxy_shape: tuple[int, int]) -> None:
    """Write the source's content into the target (H, W, 3), both in full size and of one dtype; by strips of rows."""
    scale = target.shape[0] / proxy_shape[0], target.shape[1] / proxy_shape[1]
    top, bottom = (round(edge * scale[0]) for edge in patch.box[:2])
    left, right = (round(edge * scale[1]) for edge in patch.box[2:])
    for start in range(top, bottom, STRIP_ROWS):
        full = start, min(start + STRIP_ROWS, bottom), left, right
        alpha = _enlarged(patch.alpha, patch.box, scale, full)[..., None]
        around, inner = _with_margin(source, full)
        there, shown = to_float(cut(target, full)), to_float(around)
        clipped, shown = clipped_near(shown)[inner], (smoothed(shown) if patch.stretched else shown)[inner]
        here = unfringed(patch.curve(shown), shown) + _enlarged(patch.offset, patch.box, scale, full)
        if patch.white is not None:
            here = told(here, there, shown, clipped, _enlarged(patch.white, patch.box, scale, full))
        mixed = from_float(there + alpha * (here - there), target.dtype)
        np.copyto(cut(target, full), mixed, where=alpha > 0)


def _with_margin(picture: Image, box: Box) -> tuple[Image, tuple[slice, slice]]:
    """A part of a picture with what is beside it, and where in that the part is."""
    top, bottom, left, right = box
    above, before = max(top - MARGIN_PX, 0), max(left - MARGIN_PX, 0)
    around = picture[above : bottom + MARGIN_PX, before : right + MARGIN_PX]
    return around, (slice(top - above, bottom - above), slice(left - before, right - before))


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


def smoothly_continued(values: Float, weight: Float, start: Float) -> Float:
    """A smooth continuation of (height, width, 3) into where `weight` is 0: the means of ever closer surroundings.

    `start` is what is taken where nothing near by is known.
    """
    found = start
    weighted = values * weight[..., None]
    for side in SIDES_PX:
        share = cv2.blur(weight, (side, side))[..., None]
        found = (cv2.blur(weighted, (side, side)) + _FEW * found) / (share + _FEW)
    return np.asarray(cv2.blur(found, (SIDES_PX[-1], SIDES_PX[-1])), np.float32)


def _enlarged(values: Float, box: Box, scale: tuple[float, float], full: Box) -> Float:
    """Part of a proxy's plane in the pixels of the full picture that it covers."""
    top, bottom, left, right = full
    y0, x0 = (top + 0.5) / scale[0] - 0.5 - box[0], (left + 0.5) / scale[1] - 0.5 - box[2]
    matrix = np.array([[1 / scale[1], 0, x0], [0, 1 / scale[0], y0]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    size = right - left, bottom - top
    return np.asarray(cv2.warpAffine(values, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE), np.float32)
