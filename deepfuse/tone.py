"""The controls' arithmetic, pixel by pixel: what is darker in the frames and in the fused picture stays darker."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from deepfuse.color import Float
from deepfuse.controls import Controls

BRIGHT_FROM, BRIGHT = np.float32(0.5), np.float32(0.8)
"""Fused luma from which highlights are protected, and from which most."""
DARK_BELOW = np.float32(0.4)
"""Luma of the base exposure below which shadows are protected."""
GAMMA = np.float32(2.2)  # of sRGB, without the straight piece near black


def toned(y: Float, lumas: Sequence[Float], controls: Controls) -> Float:
    """The fused luma with the wanted strength and protection.

    The result rises with the fused luma and with that of every frame, whatever the controls: no order of tones that
    they agree on is reversed, and no edge is drawn that is in none of them.

    Args:
        y: fused luma (H, W) from 0 to 1.
        lumas: of the K ≥ 2 frames, from dark to bright, each (H, W) from 0 to 1.
        controls: of which strength, shadows and highlights.
    """
    half = len(lumas) // 2
    base, darker = _mean(lumas[(len(lumas) - 1) // 2 : half + 1]), _mean(lumas[:half])
    if controls.strength != 1:
        y = base + np.float32(controls.strength) * (y - base)
    if controls.shadows:
        y = _less_lifted(y, base, np.float32(controls.shadows))
    if controls.highlights:
        y = _held_back(y, darker, np.float32(controls.highlights))
    return y


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
    """Mix in a darker picture, the more the brighter the fused one is; never brightens.

    Its share w(y) is such that the rest, y (1 − w), rises less and less from `BRIGHT_FROM` on and no more from `BRIGHT`
    on, but never falls: else what is brighter could become darker where the darker picture is black.
    """
    rest: Float = np.clip(y, BRIGHT_FROM, BRIGHT)
    rest -= BRIGHT_FROM
    rest -= rest * rest / (2 * (BRIGHT - BRIGHT_FROM))
    rest += BRIGHT_FROM
    share: Float = amount - amount * rest / np.maximum(y, BRIGHT_FROM)
    share *= np.maximum(y - darker, 0)
    return y - share


def exposure_gain(y: Float, ev: float) -> Float:
    """What R'G'B' of that luma (0 to 1) is multiplied by for `ev` more exposure.

    Light L = Y'^γ becomes g L / (1 + (g − 1) L) with g = 2^ev: g times as much near black, white stays white, nothing
    in between clips, and −ev undoes it. It is the odds L / (1 − L) that are multiplied by g.
    """
    gain = y**GAMMA
    gain *= np.float32(2**ev - 1)
    gain += 1
    np.divide(np.float32(2**ev), gain, out=gain)
    return np.asarray(np.power(gain, 1 / GAMMA, out=gain))
