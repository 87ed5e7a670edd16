"""How the tones of one exposure become those of another: a rising curve a channel, learned from the two pictures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepfuse.color import Float
from deepfuse.motion.proxies import PLACES, Proxy, at_places, place_of

LEVELS = 256  # of 8 bits; finer ones would have too few pixels each
FARTHEST = 0.12  # of the range; a pixel farther from the curve shows something else, and pulls no more
COMMON_SHARE = 0.1  # how much the pixels of all channels count in the curve of one
MIN_LEVEL_PX = 12  # below it, a level is interpolated
WELL_KNOWN_PX = 1000  # from there on a level counts no more for having more pixels
SPREAD_QUANTILE = 0.8  # of a level's pixels; the rest may be at edges
STEEP_OVER = 32  # places of a table: a slope over fewer would follow single levels
SAMPLES = 2**18  # pixels that a curve is learned from

_LEVEL = np.arange(LEVELS)
_COST = np.minimum(np.abs(np.subtract.outer(_LEVEL, _LEVEL)) / (LEVELS - 1), FARTHEST)

Count = NDArray[np.float64]
Known = NDArray[np.bool_]


@dataclass(frozen=True)
class ToneCurve:
    """Encoded values from 0 to 1 at each place of a table, and how far pixels lie from them: both (3, PLACES)."""

    values: Float
    spread: Float

    @property
    def steepness(self) -> Float:
        """How much steeper the tones become at each place: (3, PLACES)."""
        source, half = at_places(), STEEP_OVER // 2
        rise = self.values[:, STEEP_OVER:] - self.values[:, :-STEEP_OVER]
        steep = rise / (source[STEEP_OVER:] - source[:-STEEP_OVER])
        return np.asarray(np.pad(steep, ((0, 0), (half, STEEP_OVER - half)), mode="edge"), np.float32)

    def shifted(self, shift: Float) -> Float:
        """The values where the source is brighter by `shift` (PLACES,), from 0 to 1: (3, PLACES)."""
        places = place_of(at_places() + shift)
        return np.stack([np.interp(places, np.arange(PLACES), row).astype(np.float32) for row in self.values])

    def __call__(self, pixels: Float) -> Float:
        """Pixels (H, W, 3) of 0 to 1 in the other exposure's tones."""
        found = np.empty(pixels.shape, np.float32)
        for channel, row in enumerate(self.values):
            found[..., channel] = np.interp(place_of(pixels[..., channel]), np.arange(PLACES), row)
        return found


def tone_curve(source: Proxy, target: Proxy, known: Known | None = None) -> ToneCurve:
    """The tones of `source` in those of `target`.

    The curve rises, and of all that do it has the least sum of absolute distances to the pixels, each cut off at
    `FARTHEST`: what moved does not bend it, also where most of a level moved. It is found exactly, by dynamic
    programming over the joint histogram.

    Args:
        source: one exposure.
        target: the same scene at another one.
        known: (height, width), the pixels to learn from; all if `None`.

    Source of the curve between exposures: Grossberg, Nayar, "Determining the Camera Response from Images", 2003.
    """
    counts = [_joint_histogram(source.places[c], target.planes[c], known) for c in range(3)]
    common = COMMON_SHARE * np.sum(counts, axis=0)
    curves = [_fitted(count + common) for count in counts]
    return ToneCurve(np.stack([values for values, _ in curves]), np.stack([spread for _, spread in curves]))


def _joint_histogram(places: NDArray[np.uint16], target: Float, known: Known | None) -> Count:
    """Pixels (levels of the source, levels of the target)."""
    step = max(1, round((target.size / SAMPLES) ** 0.5))
    rows = places[::step, ::step].astype(np.intp) // (PLACES // LEVELS)
    flat = rows * LEVELS + np.rint(target[::step, ::step] * (LEVELS - 1)).astype(np.intp)
    chosen = flat.reshape(-1) if known is None else flat[known[::step, ::step]]
    return np.bincount(chosen, minlength=LEVELS**2).reshape(LEVELS, LEVELS).astype(np.float64)


def _fitted(count: Count) -> tuple[Float, Float]:
    """The curve and its spread at each place of a table."""
    path, total = _least_path(count @ _COST), count.sum(axis=1)
    known = np.flatnonzero(total >= MIN_LEVEL_PX)
    if not known.size:
        return at_places(), np.ones(PLACES, np.float32)
    middle = (_LEVEL[known] + 0.5) / LEVELS * (PLACES - 1)
    values = np.interp(np.arange(PLACES), middle, _softened(path, total)[known])
    spread = np.interp(np.arange(PLACES), middle, _spread(count, path)[known])
    first = 0 if known[0] == 0 else round(middle[0])
    last = PLACES if known[-1] == LEVELS - 1 else round(middle[-1])
    return _continued(values, first, last), spread.astype(np.float32)


def _least_path(cost: Count) -> Count:
    """The rising path of the least cost through the levels: a value from 0 to 1 for each row."""
    best = cost.copy()
    for row in range(1, LEVELS):
        best[row] += np.minimum.accumulate(best[row - 1])
    path = np.full(LEVELS, LEVELS - 1)
    for row in range(LEVELS - 1, -1, -1):
        last = path[min(row + 1, LEVELS - 1)]
        path[row] = int(best[row, : last + 1].argmin())
    return path / (LEVELS - 1)


def _softened(path: Count, total: Count) -> Count:
    """Steps of whole levels made smooth."""
    weight = np.minimum(total, WELL_KNOWN_PX) + 1e-3
    kernel = np.array([1.0, 2.0, 3.0, 2.0, 1.0])
    mean: Count = np.convolve(path * weight, kernel, "same") / np.convolve(weight, kernel, "same")
    return np.maximum.accumulate(mean)


def _spread(count: Count, path: Count) -> Count:
    """The distance within which most pixels of a level lie, of those not so far that they show something else."""
    distance = np.abs(_LEVEL / (LEVELS - 1) - path[:, None])
    order = np.argsort(distance, axis=1)
    distance = np.take_along_axis(distance, order, axis=1)
    near = np.take_along_axis(count, order, axis=1) * (distance <= 2 * FARTHEST)
    reached = np.cumsum(near, axis=1) >= SPREAD_QUANTILE * near.sum(axis=1, keepdims=True)
    return np.take_along_axis(distance, reached.argmax(axis=1)[:, None], axis=1)[:, 0]


def _continued(values: Count, first: int, last: int) -> Float:
    """Towards black below the first place that is known, towards white from the last one on."""
    source = at_places()
    values[:first] = values[first] * source[:first] / max(source[first], 1e-6)
    if last < PLACES:
        values[last:] = 1 - (1 - values[last]) * (1 - source[last:]) / (1 - source[last])
    return values.astype(np.float32)
