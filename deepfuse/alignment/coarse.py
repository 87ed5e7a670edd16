"""Shifts at which two small pictures look alike, and from there to full proxies by tiles at every size."""

from __future__ import annotations

import cv2
import numpy as np

from deepfuse.alignment.geometry import MAX_SHIFT_SHARE, to_full_size, translation
from deepfuse.alignment.proxy import Proxy
from deepfuse.alignment.refinement import refine
from deepfuse.alignment.result import Matrix
from deepfuse.alignment.tiles import REACH_PX, vote
from deepfuse.color import Float

SMALLEST_SIDE_PX = 200  # a correlation at every shift is cheap there, and texture is left
APART_PX = 4  # peaks nearer than that are one
ALIAS_HEIGHT = 0.4  # of the highest peak; an alias comes near it, lower ones are chance
MOST_ALIASES = 6  # each is refined, which takes time


def match_coarse(reference: Proxy, frame: Proxy) -> Matrix:
    """The motion, frame to reference in proxy pixels, that tiles ask for from small sizes to half of the proxies'.

    It proves nothing by itself.
    """
    if max(reference.size) < 2 * SMALLEST_SIDE_PX:
        return translation(*best_shifts(reference, frame)[0])
    half = match_coarse(reference.half, frame.half)
    motion, _ = refine(half, lambda m: vote(reference.half, frame.half, m), near_px=REACH_PX)
    return to_full_size(motion, reference.size, reference.half.size)


def best_shifts(reference: Proxy, frame: Proxy) -> list[tuple[float, float]]:
    """The shifts (x, y) in pixels, frame to reference, at which their local contrast correlates best, best first."""
    surface, reach_x, reach_y = _correlation(reference, frame)
    peak = surface == cv2.dilate(surface, np.ones((2 * APART_PX + 1, 2 * APART_PX + 1), np.uint8))
    highest = surface.max()
    least = min(ALIAS_HEIGHT * highest, highest)  # of a picture without texture, the highest may be below zero
    rows, columns = np.nonzero(peak & (surface >= least))
    order = np.argsort(-surface[rows, columns], kind="stable")[: MOST_ALIASES + 1]
    return [(float(columns[at] - reach_x), float(rows[at] - reach_y)) for at in order]


def _correlation(reference: Proxy, frame: Proxy) -> tuple[Float, int, int]:
    """Correlation at every shift that a hand may make, and the place (x, y) of no shift in it."""
    width, height = reference.size
    reach = MAX_SHIFT_SHARE * float(np.hypot(width, height))
    reach_x, reach_y = (int(min(reach, side - 1)) for side in (width, height))
    shape = (height + reach_y, width + reach_x)
    here, there = (np.fft.rfft2(proxy.contrast, shape) for proxy in (reference, frame))
    surface = np.fft.irfft2(here * there.conj(), shape)
    surface = np.roll(surface, (reach_y, reach_x), (0, 1))[: 2 * reach_y + 1, : 2 * reach_x + 1]
    return np.ascontiguousarray(surface, np.float32), reach_x, reach_y
