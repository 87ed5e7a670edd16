"""What a frame tells of another one's pixels: its own in those tones, but where it is clipped or black."""

from __future__ import annotations

import cv2
import numpy as np

from deepfuse.color import Float

CLIPPING, BLACK = np.float32(0.97), np.float32(0.03)  # channels beyond tell ever less of how bright the scene is
WHITE = np.float32(0.99)  # nothing is told from there on
NEAR_WHITE, VIVID = np.float32(0.8), np.float32(1.2)  # from there curves are steep; times what the other channels gain
AGREEING = np.float32(0.1)  # a channel that lies farther from what is foretold contradicts
MARGIN_PX = 3  # how far `smoothed` and `clipped_near` look
NOISE, NOISE_PX = 0.02, 1.5  # of the range, and how far: what `smoothed` takes for noise of a dark frame


def unfringed(here: Float, shown: Float) -> Float:
    """Pixels (height, width, 3) in other tones, their clipped channels no brighter than the others let them be.

    Near white a curve is steep: the one channel that is clipped would come out vivid.

    Args:
        here: the source in the target's tones.
        shown: the source as it is.
    """
    near_white = np.clip((shown - NEAR_WHITE) / (CLIPPING - NEAR_WHITE), 0, 1)
    telling = np.clip((1 - shown) / (1 - CLIPPING), 0, 1)
    ratio = _over_channels(np.maximum, telling * here / np.maximum(shown, BLACK))
    excess = np.maximum(here - VIVID * ratio * shown, 0)
    return np.asarray(here - near_white * _over_channels(np.maximum, telling) * excess, np.float32)


def told(here: Float, there: Float, shown: Float, clipped: Float, white: Float) -> Float:
    """What the source tells of the target's pixels (height, width, 3).

    Where it is clipped the scene may be any brighter, and where it is black any darker: there the target is right, as
    long as the channels that tell more do not contradict it.

    Args:
        here: the source in the target's tones.
        there: the target.
        shown: the source as it is.
        clipped: how far its channels are clipped there and beside.
        white: what the target shows near by where the source is white.
    """
    black = np.clip(1 - shown / BLACK, 0, 1)
    miss = there - here
    against = np.where(miss < 0, 1 - black, 1 - clipped) * np.minimum(np.abs(miss) / AGREEING, 1)
    free = _over_channels(np.maximum, np.maximum(clipped, black)) * (1 - _over_channels(np.maximum, against))
    is_white = np.clip((_over_channels(np.minimum, shown) - WHITE) / (1 - WHITE), 0, 1)
    here = here + is_white * (white - here)
    return np.asarray(here + free * (there - here), np.float32)


def clipped_near(shown: Float) -> Float:
    """How far the channels are clipped, 0 to 1, averaged with what is beside, so that edges stay smooth."""
    return np.asarray(cv2.blur(np.clip((shown - CLIPPING) / (1 - CLIPPING), 0, 1), (3, 3)), np.float32)


def smoothed(shown: Float) -> Float:
    """A dark frame's pixels (height, width, 3) without the noise that brightening would show; edges stay."""
    return np.asarray(cv2.bilateralFilter(shown, 2 * MARGIN_PX + 1, NOISE, NOISE_PX), np.float32)


def _over_channels(choose: np.ufunc, values: Float) -> Float:
    """The largest or smallest channel (height, width, 1) of three: numpy is slow at reducing so short an axis."""
    red, green, blue = (values[..., channel] for channel in range(3))
    return np.asarray(choose(choose(red, green), blue)[..., None], np.float32)
