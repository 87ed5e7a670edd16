"""What moved: pixels that two aligned exposures show differently, whatever tone curve lies between them."""

from __future__ import annotations

import cv2
import numpy as np

from deepfuse.alignment.proxy import Grey, Mask, Proxy

BINS = 64
MIN_COMMON_SHARE = 0.02
MIN_BIN_PX = 50
TOLERANCE = 0.06  # of the range of encoded values
DEVIATIONS = 4.0  # times the median deviation within a bin
MOST_TOLERANCE = 0.3
SHIFT_PX = 1.0  # misregistration and blur that are not motion
SPECK_PX = 5  # smaller spots are noise


def disagreeing_share(reference: Proxy, frame: Proxy) -> float | None:
    """Share of the pixels that both frames expose which differ in content, 0 to 1; `None` where they expose too few.

    The proxies must lie on each other.
    """
    both = reference.valid & frame.valid
    if both.mean() < MIN_COMMON_SHARE:
        return None
    return float(_disagreement(reference, frame)[both > 0].mean())


def _disagreement(reference: Proxy, frame: Proxy) -> Mask:
    """1 where two proxies that lie on each other differ in content, 0 elsewhere and where either says nothing."""
    both = np.asarray(reference.valid & frame.valid, dtype=np.uint8)
    differs = _unlike(reference.luma, frame.luma, both) | _unlike(frame.luma, reference.luma, both)
    return np.asarray(cv2.morphologyEx(differs, cv2.MORPH_OPEN, np.ones((SPECK_PX, SPECK_PX), np.uint8)), np.uint8)


def _unlike(source: Grey, target: Grey, both: Mask) -> Mask:
    """Where `source` in the tones of `target` is not `target`; each direction sees what the other's tones hide."""
    expected, tolerance = _tone_curve(source, target, both)
    allowed = tolerance + SHIFT_PX * np.maximum(_steepness(target), _steepness(expected))
    return np.asarray((both > 0) & (np.abs(expected - target) > allowed), dtype=np.uint8)


def _tone_curve(source: Grey, target: Grey, both: Mask) -> tuple[Grey, Grey]:
    """`source` in the tones of `target` by the median of each level, monotone, and the tolerance at each pixel."""
    level = np.minimum((source * BINS).astype(np.intp), BINS - 1)
    groups = [target[(both > 0) & (level == index)] for index in range(BINS)]
    known = [index for index, group in enumerate(groups) if group.size >= MIN_BIN_PX]
    if not known:
        return source, np.full_like(source, np.inf)
    medians = np.maximum.accumulate([float(np.median(groups[index])) for index in known])
    spread = [float(np.median(np.abs(groups[i] - m))) for i, m in zip(known, medians, strict=True)]
    centres = (np.array(known) + 0.5) / BINS
    tolerance = TOLERANCE + np.minimum(DEVIATIONS * np.array(spread), MOST_TOLERANCE)
    curve = np.interp(source, centres, medians).astype(np.float32)
    return curve, np.interp(source, centres, tolerance).astype(np.float32)


def _steepness(picture: Grey) -> Grey:
    """How much the values change over one pixel, at most, in the neighbourhood."""
    kernel = np.ones((3, 3), np.uint8)
    return np.asarray(cv2.morphologyEx(picture, cv2.MORPH_GRADIENT, kernel) / 2, np.float32)
