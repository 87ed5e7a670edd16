"""How much brighter than the fused picture a screen that can should show each place: the highlights, and they alone."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from deepfuse.color import Float, Image, from_linear, luma, to_float, to_linear
from deepfuse.radiance.merge import Radiance

MOST_STOPS = 3.0  # that highlights get brighter than white: what phones and screens of today show
FEWEST_STOPS = 0.25
OFFSET = 1 / 64  # added to both pictures before they are divided, so that black stays so
SHRINK = 2
BRIGHT = (0.25, 0.8)  # of the picture's luma, linear: where the light of the scene is scaled to it
ROOM = 99.95  # percentile of the gain that is still shown as it is
WHITE_NITS = 203.0  # of white in an HDR picture: ITU-R BT.2408
_TO_REC2020 = np.array(
    [[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]], np.float32
)  # BT.2087


@dataclass(frozen=True)
class GainMap:
    """A gain map of one channel.

    Attributes:
        pixels: (h, w) of uint8, smaller than the picture: 0 is no gain, 255 is `stops`.
        stops: the most that a place gets brighter.
    """

    pixels: Image
    stops: float


def gain_map_of(picture: Image, radiance: Radiance) -> GainMap:
    """The gain map of a fused picture.

    The light is scaled so that the picture's own bright parts stay as they are; only where there is more of it than the
    picture shows, it gets brighter. Dark parts, which fusion lifts, stay lifted.

    Args:
        picture: (H, W, 3), encoded by the curve of sRGB.
        radiance: of the same size.
    """
    gain = _stops(picture, radiance)
    stops = float(np.clip(np.percentile(gain, ROOM), FEWEST_STOPS, MOST_STOPS))
    height, width = gain.shape
    small = cv2.resize(gain, (max(width // SHRINK, 1), max(height // SHRINK, 1)), interpolation=cv2.INTER_AREA)
    return GainMap(np.asarray(np.round(np.clip(small / stops, 0, 1) * 255), np.uint8), stops)


def hdr_picture(picture: Image, gain: GainMap) -> Float:
    """What a screen with room for all of it shows: (H, W, 3) of light, where 1 is white."""
    height, width = picture.shape[:2]
    stops = (
        cv2.resize(gain.pixels.astype(np.float32) / 255, (width, height), interpolation=cv2.INTER_LINEAR) * gain.stops
    )
    light = to_linear(to_float(picture)) + np.float32(OFFSET)
    return np.asarray(light * np.exp2(stops)[..., None] - np.float32(OFFSET), np.float32)


def pq_picture(light: Float) -> Image:
    """Light of sRGB's primaries, where 1 is white, as Rec. 2020 by the curve of PQ: (H, W, 3) of uint16, 10 bits."""
    nits = np.maximum(light @ _TO_REC2020.T, 0) * np.float32(WHITE_NITS)
    return np.asarray(np.round(pq(nits) * 1023), np.uint16)


def _stops(picture: Image, radiance: Radiance) -> Float:
    """Stops by which each place gets brighter, 0 or more: (H, W)."""
    shown = luma(to_linear(to_float(picture)))
    there = luma(radiance.pixels)
    bright = (shown > BRIGHT[0]) & (shown < BRIGHT[1])
    ratios = there[bright] / shown[bright] if bright.any() else there / np.maximum(shown, np.float32(OFFSET))
    scale = 1 / max(float(np.percentile(ratios, 75)), 1e-6)
    offset = np.float32(OFFSET)
    stops = np.log2((there * np.float32(scale) + offset) / (shown + offset))
    weight = np.clip((from_linear(shown) - np.float32(0.5)) / np.float32(0.3), 0, 1)  # dark places stay as they are
    return np.asarray(np.clip(stops, 0, MOST_STOPS) * weight, np.float32)


def pq(nits: Float) -> Float:
    """Encoded values of luminance in cd/m², 0 to 10,000.

    >>> round(float(pq(np.float32(100))), 3)
    0.508
    """
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 4096 * 128, 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
    y = np.clip(nits / np.float32(10_000), 0, 1) ** np.float32(m1)
    return np.asarray(((np.float32(c1) + np.float32(c2) * y) / (1 + np.float32(c3) * y)) ** np.float32(m2), np.float32)
