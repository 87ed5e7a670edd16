"""The controls' arithmetic, pixel by pixel: what is darker in the frames and in the fused picture stays darker."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from deepfuse.color import GAMMA, Float
from deepfuse.fusion.controls import Controls

BRIGHT_FROM, BRIGHT = np.float32(0.5), np.float32(0.8)
"""Fused luma from which the shoulder that protects highlights bends, and from which it is flat: middle grey and less
stay, and skies, which lie above, are reached wholly."""
DARK_BELOW = np.float32(0.4)
"""Luma of the base exposure below which shadows are protected: under middle grey, so faces keep their light."""
_TINY = np.float32(1e-6)  # below any level of 16 bits: it only keeps a division from 0 / 0
MIDDLE_GREY = np.float32(0.46)
"""18 % of the light, sRGB-encoded."""


def toned(y: Float, lumas: Sequence[Float], controls: Controls) -> Float:
    """The fused luma with the wanted strength, protection, points, contrast and exposure.

    Where the fused luma and that of every frame rise, the result never falls, whatever the controls: no order of tones
    that they agree on is reversed.

    Args:
        y: fused luma (H, W) from 0 to 1.
        lumas: of the K ≥ 2 frames, from dark to bright, each (H, W) from 0 to 1.
        controls: of which strength, shadows, highlights, black_point, white_point, contrast and
            exposure_ev, in this order.
    """
    half = len(lumas) // 2
    base, darker = _mean(lumas[(len(lumas) - 1) // 2 : half + 1]), _mean(lumas[:half])
    if controls.strength != 1:
        y = base + np.float32(controls.strength) * (y - base)
    if controls.shadows:
        y = _less_lifted(y, base, np.float32(controls.shadows))
    if controls.highlights:
        y = _held_back(y, darker, np.float32(controls.highlights))
    if controls.black_point:
        y = _lowered(y, np.float32(controls.black_point))
    if controls.white_point != 1:
        y = 1 - _lowered(1 - y, np.float32(1 - controls.white_point))
    if controls.contrast:
        y = contrasted(y, np.float32(controls.contrast))
    return y * exposure_gain(y, controls.exposure_ev) if controls.exposure_ev else y


def _mean(lumas: Sequence[Float]) -> Float:
    return lumas[0] if len(lumas) == 1 else np.asarray(np.mean(lumas, axis=0), np.float32)


def _less_lifted(y: Float, base: Float, amount: np.float32) -> Float:
    """Take back what lifts the base exposure, the more the darker that is; never brightens."""
    dark: Float = 1 - np.minimum(base / DARK_BELOW, 1)
    dark *= dark * (3 - 2 * dark)
    dark *= amount
    dark *= np.maximum(y - base, 0)
    return y - dark


def _held_back(y: Float, darker: Float, amount: np.float32) -> Float:
    """Mix a darker picture into what exceeds a shoulder; never brightens.

    With the excess e of y over the shoulder, the result is y − e (1 − d / y). It rises with d; and because the shoulder
    y − e never falls and the share e / y only grows, it never falls with y, even where the darker picture is black.
    """
    excess: Float = np.clip(y, BRIGHT_FROM, BRIGHT)
    excess -= BRIGHT_FROM
    excess *= excess / (2 * (BRIGHT - BRIGHT_FROM))
    excess += np.maximum(y - BRIGHT, 0)
    excess /= np.maximum(y, BRIGHT_FROM)
    excess *= amount
    excess *= np.maximum(y - darker, 0)
    return y - excess


def _lowered(y: Float, point: np.float32) -> Float:
    """The straight line from `point` to white of a levels tool, with a toe in place of its clipping.

    y² / (y + p (1 − y)) rises from 0 to 1 and has no level part: far above p it runs along (y − p) / (1 − p), and at p
    it is about p / 2.
    """
    divisor: Float = 1 - y
    divisor *= point
    divisor += y
    np.maximum(divisor, _TINY, out=divisor)
    return y * (y / divisor)


def contrasted(y: Float, contrast: np.float32) -> Float:
    """A cubic through black, middle grey and white: y − c y (1 − y) (m − y) / (1 − m), with c from −1 to 1.

    Its slope is 1 + c m at middle grey m and least at the ends, where it is not below 0: it never falls.
    """
    bent: Float = 1 - y
    bent *= y
    bent *= MIDDLE_GREY - y
    bent *= contrast / (1 - MIDDLE_GREY)
    return y - bent


def exposure_gain(plane: Float, ev: float) -> Float:
    """What a luma or channel from 0 to 1 is multiplied by for `ev` more exposure.

    Light L = Y'^γ becomes g L / (1 + (g − 1) L) with g = 2^ev: g times as much near black, white stays white, nothing
    in between clips, and −ev undoes it. It is the odds L / (1 − L) that are multiplied by g.
    """
    gain = plane**GAMMA
    gain *= np.float32(2**ev - 1)
    gain += 1
    np.divide(np.float32(2**ev), gain, out=gain)
    return np.asarray(np.power(gain, 1 / GAMMA, out=gain))
