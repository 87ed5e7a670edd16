"""How much of the scene a frame loses at each place, and which frame loses least."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from deepfuse.color import Float
from deepfuse.motion.proxies import Proxy
from deepfuse.motion.tones import Known, tone_curve
from deepfuse.proxy import well_exposed

BLACK = 0.03  # highest channel below which nothing is to be seen
LIFTED, TORN = 2.0, 8.0  # times that noise and levels grow as a frame is brightened: not yet seen, and all that is seen
CLIPPING, WHITE = 0.96, 0.99  # a channel begins to lose what it shows, and has lost it
PREFERENCE = 0.15  # share of what moved that another frame must hold beyond what the preferred one does


def lost(proxies: Sequence[Proxy], still: Known) -> list[Float]:
    """How much of the scene is lost in each frame (height, width): 0 for nothing, 1 for clipped, black, or only noise.

    A frame darker than the best exposed one is judged by how far its tones are stretched to be as bright as that.
    """
    best = max(proxies, key=_well_exposed_share)
    return [_lost(proxy, _stretch(proxy, best, still)) for proxy in proxies]


def _well_exposed_share(proxy: Proxy) -> float:
    return float(well_exposed(proxy.planes[1]).mean())


def _lost(proxy: Proxy, stretch: Float | None) -> Float:
    loss = np.clip((proxy.planes - CLIPPING) / (WHITE - CLIPPING), 0, 1).mean(axis=0)
    loss[proxy.planes.max(axis=0) < BLACK] = 1
    if stretch is not None:
        np.maximum(loss, np.clip((stretch - LIFTED) / (TORN - LIFTED), 0, 1), out=loss)
    return np.asarray(loss, np.float32)


def _stretch(dark: Proxy, best: Proxy, still: Known) -> Float | None:
    """How much steeper the tones of a darker frame become (height, width)."""
    if dark.planes.mean() >= best.planes.mean():
        return None
    return dark.mean_of(tone_curve(dark, best, still).steepness)


def least_lost(losses: Sequence[float], order: Sequence[int], preferred: int) -> int:
    """The preferred frame, unless another holds clearly more; of equals the nearest to it in exposure, darker first."""
    place = {index: at for at, index in enumerate(order)}
    away = {index: abs(place[index] - place[preferred]) for index in order}
    best = min(order, key=lambda index: (round(losses[index], 3), away[index], place[index]))
    return preferred if losses[preferred] - losses[best] <= PREFERENCE else best
