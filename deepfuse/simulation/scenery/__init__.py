"""Scenes that no camera has seen: procedural radiance maps with a large dynamic range."""

from __future__ import annotations

import numpy as np

from deepfuse.simulation.camera.radiance import REC709_LUMINANCE
from deepfuse.simulation.scenery.room import render_room
from deepfuse.simulation.scenery.texture import Array
from deepfuse.simulation.scenery.wood import render_wood

MIN_RANGE_STOPS = 12.3  # the 12 that `render_scene` promises, and what 8-bit mantissas may lose
KEY = 0.14  # log-average, just under the middle grey of 0.18 (Reinhard et al. 2002): bright windows, dark corners


def render_scene(seed: int, *, width: int = 768, height: int = 512) -> Array:
    """A room, a hall with an open gate, or a wood against the sun.

    Args:
        seed: decides all; of four neighbouring seeds two give a room, one a hall and one a wood.
        width: in px, 16 or more.
        height: in px, 16 or more.

    Returns:
        (height, width, 3) linear Rec.709 radiance, log-average luminance 0.14, at least 12 stops between the
        1st and the 99.9th percentile of luminance.

    >>> scene = render_scene(3, width=96, height=64)
    >>> scene.shape, round(float(np.exp(np.log(scene @ REC709_LUMINANCE).mean())), 3)
    ((64, 96, 3), 0.14)
    """
    if min(width, height) < 16:
        raise ValueError(f"expected width and height of 16 px or more, got {width} x {height}")
    rng = np.random.Generator(np.random.PCG64(seed))
    wood, hall = seed % 4 == 3, seed % 4 == 1
    picture = render_wood(rng, width, height) if wood else render_room(rng, width, height, hall=hall)
    return _develop(picture)


def _develop(picture: Array) -> Array:
    """Set the log-average, and widen a range that is too small by a power of the luminance."""
    luminance = np.maximum(picture @ REC709_LUMINANCE, 1e-5)
    low, high = np.log2(np.percentile(luminance, [1, 99.9]))
    power = max(1.0, MIN_RANGE_STOPS / float(high - low))
    widened = luminance**power
    scale = KEY / np.exp(np.log(widened).mean())
    return np.asarray(np.maximum(picture, 0) * (widened / luminance * scale)[..., None], np.float32)
