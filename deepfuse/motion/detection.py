"""Where two aligned exposures show different things, whatever tone curve lies between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np

from deepfuse.color import Float, Mask
from deepfuse.motion.proxies import CLIPPED, Proxy, at_places, looked_up
from deepfuse.motion.tones import Known, ToneCurve, tone_curve
from deepfuse.structure import unlike

TOLERANCE = 0.04  # of the range of encoded values: ten levels of 255 make a faint ghost
SPREADS = 2.5  # times how far pixels of that level lie from the tone curve
EDGE_SHARE = 0.3  # of how much the values change round a pixel: blur and what resampling does
NOISE = 0.008  # of the darker exposure
BLACK_NOISE = 0.03  # in its black, where encoding is steep and sensors differ most
BLACK = 0.05  # encoded value at which little of that is left
CRUSHED = 0.02  # a channel below was clipped to black, or is nothing but noise
TWO_TRUST, ONE_TRUST = np.float32(0.5), np.float32(0.15)  # of two channels then, and of one
GLARE = 0.4  # what clipped surroundings may add to a pixel
GLARE_SIDE_PX = 41  # 4 % of the picture's side: how far a lens spreads bright light
SURE, MAYBE = 1.0, 0.5  # times the tolerance: what differs has some pixels beyond the first, all beyond the second
CLUSTER_PX, CLUSTER_SIDE_PX = 9, 5  # pixels that differ surely in a square of that side; fewer are noise
BRIDGE_PX = 7  # parts of one thing nearer than that are one region
MIN_REGION_PX = 40  # 0.006 % of the picture; smaller ones are noise

RESTRUCTURED_PX = 5  # of half the size: narrower parts are edges that lie not quite on each other

Band = tuple[Float, Float, Float]
_NEAR = np.ones((3, 3), np.uint8)


def disagreement(one: Proxy, other: Proxy, known: Known | None = None) -> Mask:
    """Find what two exposures that lie on each other do not both show.

    The darker one, in the tones of the brighter, is compared with it; so it is seen also where the brighter one is
    clipped and should not be.

    Args:
        one: an exposure.
        other: another one, darker or brighter.
        known: (height, width), the pixels to learn the tones from; all if `None`.

    Returns:
        (height, width): 1 where they differ, 0 elsewhere and where they cannot tell.
    """
    dark, bright = sorted((one, other), key=lambda proxy: float(proxy.planes.mean()))
    curve = tone_curve(dark, bright, known)
    shown, foretold = bright.planes.max(axis=0) > CLIPPED, _foretold(dark, curve) > CLIPPED
    bands, glare = _bands(dark, curve), _glare(shown & foretold)
    excess = [_excess(band, plane, glare) for band, plane in zip(bands, bright.planes, strict=True)]
    told = _over_channels(excess, shown | foretold | (dark.planes.min(axis=0) < CRUSHED))
    return np.asarray(_cleaned(told) | _restructured(dark, bright), np.uint8)


def _restructured(dark: Proxy, bright: Proxy) -> Mask:
    """Where texture moved, which the tones of single pixels do not betray."""
    found = unlike(dark.structure, bright.structure)
    if not found.any():
        return np.zeros(dark.shape, np.uint8)
    whole = cv2.morphologyEx(found.astype(np.uint8), cv2.MORPH_OPEN, np.ones((RESTRUCTURED_PX,) * 2, np.uint8))
    return np.asarray(cv2.resize(whole, dark.shape[::-1], interpolation=cv2.INTER_NEAREST), np.uint8)


def changed_things(differing: Mask, one: Proxy, other: Proxy) -> float:
    """Of where two exposures differ and their structure tells, the share in which that differs too, 0 to 1."""
    size = one.structure.plane.shape[::-1]
    inside = cv2.resize(differing, size, interpolation=cv2.INTER_NEAREST) > 0
    telling = one.structure.tells & other.structure.tells & inside
    return float(unlike(one.structure, other.structure)[telling].mean()) if telling.any() else 0.0


def _foretold(dark: Proxy, curve: ToneCurve) -> Float:
    """The highest channel that the darker exposure foretells."""
    red, green, blue = map(looked_up, curve.values, dark.places)
    return np.asarray(np.maximum(np.maximum(red, green), blue), np.float32)


def _bands(dark: Proxy, curve: ToneCurve) -> Iterator[Band]:
    """For each channel: what the brighter exposure shows at least, at most, and by how much it may miss that."""
    noise = NOISE + (BLACK_NOISE - NOISE) * np.exp(-at_places() / BLACK)
    tables = curve.shifted(-noise), curve.shifted(noise), TOLERANCE + np.float32(SPREADS) * curve.spread
    for channel, places in enumerate(dark.places):
        least, most, tolerance = (looked_up(table[channel], places) for table in tables)
        yield least, most, tolerance


def _excess(band: Band, bright: Float, glare: Float) -> Float:
    """How far a channel is from what is expected there or beside it, over the tolerance."""
    least, most, tolerance = band
    most += glare
    lowest, highest = (np.asarray(change(bright, _NEAR), np.float32) for change in (cv2.erode, cv2.dilate))
    beyond = np.maximum(least - highest, lowest - most)
    np.maximum(beyond, bright - cv2.dilate(most, _NEAR), out=beyond)
    np.maximum(beyond, cv2.erode(least, _NEAR) - bright, out=beyond)
    highest -= lowest
    highest *= np.float32(EDGE_SHARE)
    beyond /= tolerance + highest
    return np.asarray(beyond, np.float32)


def _glare(clipped: Known) -> Float:
    """What surroundings that are clipped, and should be, may add to a pixel."""
    return np.asarray(GLARE * cv2.blur(clipped.astype(np.float32), (GLARE_SIDE_PX, GLARE_SIDE_PX)), np.float32)


def _over_channels(excess: Sequence[Float], clipped: Known) -> Float:
    """The largest excess of a channel; where one was clipped at an end of the range, one alone means little."""
    red, green, blue = excess
    larger, smaller = np.maximum(red, green), np.minimum(red, green)
    largest, middle = np.maximum(larger, blue), np.maximum(smaller, np.minimum(larger, blue))
    largest[clipped] = np.maximum(ONE_TRUST * largest[clipped], TWO_TRUST * middle[clipped])
    return np.asarray(largest, np.float32)


def _cleaned(excess: Float) -> Mask:
    """Regions that differ surely somewhere, without specks."""
    sure = (excess > SURE).astype(np.uint8)
    sure &= cv2.boxFilter(sure, -1, (CLUSTER_SIDE_PX, CLUSTER_SIDE_PX), normalize=False) >= CLUSTER_PX
    if not sure.any():
        return np.asarray(sure, np.uint8)
    maybe = cv2.morphologyEx(
        (excess > MAYBE).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((BRIDGE_PX, BRIDGE_PX), np.uint8)
    )
    count, labels, stats, _ = cv2.connectedComponentsWithStats(maybe, connectivity=8)
    kept = np.bincount(labels.reshape(-1), sure.reshape(-1), count) > 0
    kept &= stats[:, cv2.CC_STAT_AREA] >= MIN_REGION_PX
    kept[0] = False
    return np.asarray(kept[labels], np.uint8)
