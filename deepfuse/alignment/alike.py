"""Two exposures in the same tones: what is clipped or black in one becomes so in the other, and its outline a shape."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from deepfuse.alignment.proxy import BLACK, WHITE, Proxy
from deepfuse.alignment.result import Matrix
from deepfuse.color import Float

LEVELS = 4095  # of the darker frame's luma that are told apart
LOW, HIGH = 0.1, 0.9  # the range of the common tones: neither black nor clipped, so that all of it counts


@dataclass(frozen=True)
class Curve:
    """Luma to common tones, by knots (N,): flat outside of them."""

    before: Matrix
    after: Matrix

    def apply(self, seen: Proxy) -> Proxy:
        """A picture in the common tones, valid wherever it is picture."""
        tones = np.asarray(np.interp(seen.luma, self.before, self.after), dtype=np.float32)
        return Proxy(tones, np.ones(tones.shape, np.uint8) if seen.known is None else seen.known, seen.known)


def common_curves(reference: Proxy, frame: Proxy) -> tuple[Curve, Curve]:
    """The curves that give both the tones of the brighter one above what the darker one's black can tell apart.

    Equal ranks become equal tones, which holds for two exposures of one scene whether or not the camera moved a little.
    """
    if reference.luma.mean() > frame.luma.mean():
        bright, dark = _curves(reference, frame)
        return bright, dark
    bright, dark = _curves(frame, reference)
    return dark, bright


def _curves(bright: Proxy, dark: Proxy) -> tuple[Curve, Curve]:
    light, shade = _picture(bright), _picture(dark)
    floor = float(np.quantile(light, (shade <= BLACK).mean()))
    top = max(WHITE, floor + 1e-6)
    counts = np.bincount(np.rint(shade * LEVELS).astype(np.int64))
    levels = np.flatnonzero(counts)
    ranks = ((np.cumsum(counts) - counts / 2) / shade.size)[levels]
    alike = np.clip(np.quantile(light.astype(np.float64), ranks), floor, top)
    spread = LOW + (HIGH - LOW) * (alike - floor) / (top - floor)
    return Curve(np.array([floor, top]), np.array([LOW, HIGH])), Curve(levels / LEVELS, spread)


def _picture(seen: Proxy) -> Float:
    """The luma (N,) of what is picture."""
    inside = seen.luma.ravel() if seen.known is None else seen.luma[seen.known > 0]
    return inside if inside.size else seen.luma.ravel()
