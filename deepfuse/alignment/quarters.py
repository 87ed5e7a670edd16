"""Do two frames in common tones stand still? What little they show is quartered, and each quarter asked as a whole.

A tile may hold one straight edge alone, which tells nothing of a motion along it; a quarter of all edges does.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from deepfuse.alignment.proxy import BLUR_PX, NEIGHBOURHOOD_PX, Proxy
from deepfuse.alignment.tiles import REACH_PX, Votes, ballot, collect
from deepfuse.color import Float

MIN_SIDE_PX = 24  # of a quarter: less is no sample of the picture


def quarter(reference: Proxy, frame: Proxy) -> Votes:
    """What the quarters, cut through the middle of all edges, say to no motion; fewer votes where one is too small."""
    both = np.asarray(reference.valid & frame.valid, dtype=np.uint8)
    template, field = _relief(reference) * both, _relief(frame)
    energy = np.square(template[REACH_PX:-REACH_PX, REACH_PX:-REACH_PX], dtype=np.float64)
    height, width = template.shape
    middle_x, middle_y = REACH_PX + _middle(energy.sum(axis=0)), REACH_PX + _middle(energy.sum(axis=1))
    columns = ((REACH_PX, middle_x), (middle_x, width - REACH_PX))
    rows = ((REACH_PX, middle_y), (middle_y, height - REACH_PX))
    boxes = [(left, top, right - left, bottom - top) for left, right in columns for top, bottom in rows]
    whole = [box for box in boxes if min(box[2:]) >= MIN_SIDE_PX]
    return collect([ballot(template, field, both, box) for box in whole])


def _relief(proxy: Proxy) -> Float:
    """Luma less its surround (height, width): edges as high as they are, so that noise counts little beside them."""
    size = (NEIGHBOURHOOD_PX, NEIGHBOURHOOD_PX)
    soft = cv2.GaussianBlur(proxy.luma, (0, 0), BLUR_PX)
    return np.asarray(soft - cv2.blur(cv2.blur(soft, size), size), dtype=np.float32)


def _middle(energy: NDArray[np.float64]) -> int:
    """Where half of the energy (N,) lies before and half behind."""
    return int(np.searchsorted(np.cumsum(energy), energy.sum() / 2))
