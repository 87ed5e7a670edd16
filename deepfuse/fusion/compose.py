"""Fused luma and the frames' colours → pixels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from deepfuse.color import Float, Image
from deepfuse.fusion.colour import exposed, saturated
from deepfuse.fusion.controls import NEUTRAL, Controls
from deepfuse.fusion.gamut import fitted
from deepfuse.fusion.planes import Colour, Shown, pieces, shown_by, store
from deepfuse.fusion.temperature import warmed
from deepfuse.fusion.tone import toned
from deepfuse.model.network import Chroma


def paint(pixels: Image, y: Float, frames: Sequence[Image], chroma: Chroma, controls: Controls = NEUTRAL) -> None:
    """Write the R'G'B' pixels (H, W, 3) of fused luma (H, W) from 0 to 1, in the colours of the frames.

    Args:
        pixels: what is written: uint8, uint16 or float32.
        y: the fused luma, which is kept where a colour does not fit 0..1: see `fitted`.
        frames: the same rows of the frames (H, W, 3), from dark to bright.
        chroma: how the frames' colours are weighted: see `exposed` and `saturated`.
        controls: the look.
    """
    for rows in pieces(pixels):
        shown = [shown_by(frame[rows]) for frame in frames]
        planes = fitted(*_look(y[rows], shown, chroma, controls))
        if controls.temperature:
            planes = warmed(planes, controls.temperature)
        store(planes, pixels[rows])


def _look(fused: Float, frames: Sequence[Shown], chroma: Chroma, controls: Controls) -> tuple[Float, Colour]:
    """The fused luma and the frames' colours under these controls."""
    y = fused if controls == NEUTRAL else toned(fused.clip(0, 1), [frame.y for frame in frames], controls)
    blue, red = exposed(frames, y) if chroma == "exposed" else saturated(frame.colour for frame in frames)
    if controls.saturation != 1:
        blue, red = (plane * np.float32(controls.saturation) for plane in (blue, red))
    return y, (blue, red)
