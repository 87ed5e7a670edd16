"""Exposures of one scene → its radiance, with the weights that photon noise asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from deepfuse.color import Float, Image, to_float, to_linear
from deepfuse.errors import BracketError
from deepfuse.frames import check_frames

READ_NOISE = 5e-4  # of white: the light whose photon noise is as large as what else a frame adds
FADE = (0.80, 0.95)  # of white, linear: from here on a frame counts less, and from there on it is clipped
MEASURED = (0.05, 0.75)  # of white, linear: where two frames are compared
ENOUGH = 2e-3  # of the picture must be so in both
PROXY_PX = 1 << 18  # pixels that are compared
MOST_OFF_EV = 1.0  # that a measured step may be off the camera's own word
ROWS = 256


class RadianceError(BracketError):
    """Nobody can tell how much more light one frame got than another."""


@dataclass(frozen=True)
class Radiance:
    """The light of a scene.

    Attributes:
        pixels: (H, W, 3) of float32, linear, of the primaries of the frames; 1 is white in the frame `base`.
        exposures: of each frame, as a multiple of that of the base.
        base: the place of that frame.
    """

    pixels: Float
    exposures: tuple[float, ...]
    base: int


def merge_radiance(
    frames: Sequence[Image], evs: Sequence[float | None], base: int, names: Sequence[str] = ()
) -> Radiance:
    """Merge aligned frames without ghosts.

    Where photon noise rules, the best estimate is the sum of what the frames hold over the sum of their exposure
    times (Hanji, Zhong, Mantiuk, Noise-Aware Merging of High Dynamic Range Image Stacks without Camera Calibration,
    2020). In dark frames other noise rules, and they count less by a first estimate of the light; a frame that is
    clipped in one channel does not count in any.

    Args:
        frames: two or more (H, W, 3) of one dtype, encoded by the curve of sRGB; those of RAW are exactly so.
        evs: the exposure value of each by its file, `None` where it does not say; larger is darker.
        base: the frame whose white is 1.
        names: of the frames, for errors.

    Raises:
        RadianceError: two frames share no tones, and a file does not say how it was exposed.

    >>> light = np.linspace(0.01, 2, 64, dtype=np.float32).reshape(8, 8, 1).repeat(3, axis=2)
    >>> from deepfuse.color import from_linear
    >>> frames = [from_linear(np.clip(light * 2.0**stops, 0, 1)) for stops in (-3, 0)]
    >>> merged = merge_radiance(frames, [3.0, 0.0], base=1)
    >>> bool(np.allclose(merged.pixels, light, rtol=0.01))
    True
    """
    arrays = check_frames(frames)
    exposures = relative_exposures(arrays, evs, base, names)
    darkest = int(np.argmin(exposures))
    merged: Float = np.empty(arrays[0].shape, np.float32)
    for top in range(0, merged.shape[0], ROWS):
        rows = slice(top, top + ROWS)
        light = [to_linear(to_float(np.asarray(array[rows]))) for array in arrays]
        merged[rows] = _merged(light, exposures, darkest)
    return Radiance(merged, exposures, base)


def _merged(light: Sequence[Float], exposures: Sequence[float], darkest: int) -> Float:
    usable = [_usable(frame) for frame in light]
    usable[darkest] = np.maximum(usable[darkest], 1e-6)  # brighter than it tells nobody knows
    first = _mean(light, [mask * t * t for mask, t in zip(usable, exposures, strict=True)], exposures)
    level = first.mean(axis=2, keepdims=True)
    weights = [m * t * t / (np.float32(t) * level + READ_NOISE) for m, t in zip(usable, exposures, strict=True)]
    return _mean(light, weights, exposures)


def _mean(light: Sequence[Float], weights: Sequence[Float], exposures: Sequence[float]) -> Float:
    """Each frame's estimate of the light is its value over its exposure."""
    total = sum(weights[1:], weights[0])
    parts = [weight / np.float32(t) * frame for weight, frame, t in zip(weights, light, exposures, strict=True)]
    return np.asarray(sum(parts[1:], parts[0]) / total, np.float32)


def _usable(frame: Float) -> Float:
    """(H, W, 1): 1 where no channel comes near white, falling to 0 where one is clipped."""
    low, high = FADE
    top = frame.max(axis=2, keepdims=True)
    return np.asarray(np.clip((high - top) / (high - low), 0, 1), np.float32)


def relative_exposures(
    frames: Sequence[Image], evs: Sequence[float | None], base: int, names: Sequence[str] = ()
) -> tuple[float, ...]:
    """How much light each frame got, as a multiple of that of the base.

    Measured from one frame to the next brighter one, where both show the same tones: shutters keep times that differ
    from what files say. Where they share none, or the measure is far off, the files count.

    Raises:
        RadianceError: neither is at hand.
    """
    stride = max(1, round((frames[0].shape[0] * frames[0].shape[1] / PROXY_PX) ** 0.5))
    light = [to_linear(to_float(np.ascontiguousarray(frame[::stride, ::stride]))) for frame in frames]
    order = sorted(range(len(frames)), key=lambda k: float(light[k].mean()))
    found = {order[0]: 1.0}
    for dark, bright in pairwise(order):
        step = _step(light[dark], light[bright], _said(evs[dark], evs[bright]))
        if step is None:
            pair = " and ".join(names[k] if names else f"frame {k + 1}" for k in (dark, bright))
            raise RadianceError(f"{pair}: expected frames that share some tones, or tell their exposures; got neither")
        found[bright] = found[dark] * step
    return tuple(found[k] / found[base] for k in range(len(frames)))


def _said(dark: float | None, bright: float | None) -> float | None:
    return None if dark is None or bright is None else 2.0 ** (dark - bright)


def _step(dark: Float, bright: Float, said: float | None) -> float | None:
    """How many times more light the brighter frame got: a ratio of sums, which noise does not bend; or what is said."""
    low, high = MEASURED
    known = np.asarray((bright < high).all(axis=2) & (bright > low).any(axis=2))
    both = known & np.asarray((dark > READ_NOISE).all(axis=2))
    if both.mean() < ENOUGH:
        return said
    measured = float(bright[both].sum(dtype=np.float64) / dark[both].sum(dtype=np.float64))
    return said if said is not None and abs(np.log2(measured / said)) > MOST_OFF_EV else measured
