"""Light that one frame alone shows, such as the trails of cars, a flash or a sign: it is kept whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from deepfuse.color import Float
from deepfuse.motion.proxies import Proxy
from deepfuse.motion.tones import Known, ToneCurve

LIT = 0.85  # highest channel of light
STANDS_OUT = 0.2  # of the range: light is that much brighter than what is round it
ROUND_SHARE = 0.8  # of what is round it: a patch of sun that moved on has light on one side
BRIGHTER = 0.15  # of the range: than the frames next to it in exposure foretell

Curve = Callable[[int, int], ToneCurve]


def lit_frame(proxies: Sequence[Proxy], order: Sequence[int], core: Known, around: Known, curve: Curve) -> int | None:
    """The brightest exposure that shows light where its neighbours in exposure show none; `None` where there is none.

    Args:
        proxies: the frames, or one part of them.
        order: their indices from dark to bright.
        core: (height, width), where something differs.
        around: (height, width), what is round it.
        curve: the tones of a frame in those of another.
    """
    for at in reversed(range(len(order))):
        index = order[at]
        shown = float(np.median(_highest(proxies[index], core)))
        if shown < LIT or np.quantile(_highest(proxies[index], around), ROUND_SHARE) > shown - STANDS_OUT:
            continue
        more = [
            _more_light(proxies, core, curve, order[dark : dark + 2], index)
            for dark in (at - 1, at)
            if 0 <= dark < len(order) - 1
        ]
        if min(more) > BRIGHTER:
            return index
    return None


def _more_light(proxies: Sequence[Proxy], core: Known, curve: Curve, pair: Sequence[int], index: int) -> float:
    """By how much one of two neighbours, dark and bright, is brighter than the other foretells, in the bright tones."""
    dark, bright = pair
    rows = zip(curve(dark, bright).values, proxies[dark].places, strict=True)
    foretold = float(np.median(np.max([row[places[core]] for row, places in rows], axis=0)))
    more = float(np.median(_highest(proxies[bright], core))) - foretold
    return more if index == bright else -more


def _highest(frame: Proxy, where: Known) -> Float:
    return np.asarray(frame.planes[:, where].max(axis=0) if where.any() else [0.0], np.float32)
