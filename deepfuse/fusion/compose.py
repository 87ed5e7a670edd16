"""Fused luma and the frames' colours → pixels: planes of rows small enough to stay in the processor's cache."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import cv2
import numpy as np

from deepfuse.color import Float, Image
from deepfuse.fusion.colour import Colour, exposed, saturated
from deepfuse.fusion.controls import NEUTRAL, Controls
from deepfuse.fusion.gamut import fitted
from deepfuse.fusion.temperature import warmed
from deepfuse.fusion.tone import toned
from deepfuse.model.network import Chroma

PIECE_PX = 2**17  # pixels at once: what they need stays near, and threads seldom wait for each other between two calls


def paint(
    pixels: Image,
    y: Float,
    frames: Iterable[tuple[Float, Colour]],
    chroma: Chroma,
    controls: Controls = NEUTRAL,
) -> None:
    """Write the R'G'B' pixels (H, W, 3) of fused luma (H, W) from 0 to 1, in the colours of the frames.

    Args:
        pixels: what is written: uint8, uint16 or float32.
        y: the fused luma, which is kept where a colour does not fit 0..1: see `fitted`.
        frames: what `colour_planes` gives for each frame, from dark to bright.
        chroma: how the frames' colours are weighted: see `exposed` and `saturated`.
        controls: the look.
    """
    flat = [(luma.reshape(-1), (blue.reshape(-1), red.reshape(-1))) for luma, (blue, red) in frames]
    channels = np.empty((3, y.size), pixels.dtype)
    for start in range(0, y.size, PIECE_PX):
        piece = slice(start, start + PIECE_PX)
        parts = [(luma[piece], (blue[piece], red[piece])) for luma, (blue, red) in flat]
        part = y.reshape(-1)[piece]
        planes = fitted(*_look(part, parts, chroma, controls))
        if controls.temperature:
            planes = warmed(planes, controls.temperature)
        for channel, plane in zip(channels, planes, strict=True):
            _store(plane, channel[piece])
    pixels[:] = cv2.merge([channel.reshape(y.shape) for channel in channels])


def _look(
    fused: Float, frames: Sequence[tuple[Float, Colour]], chroma: Chroma, controls: Controls
) -> tuple[Float, Colour]:
    """The fused luma and the frames' colours under these controls."""
    y = fused if controls == NEUTRAL else toned(fused.clip(0, 1), [luma for luma, _ in frames], controls)
    blue, red = exposed(frames, y) if chroma == "exposed" else saturated(colour for _, colour in frames)
    if controls.saturation != 1:
        blue, red = (plane * np.float32(controls.saturation) for plane in (blue, red))
    return y, (blue, red)


def _store(plane: Float, pixels: Image) -> None:
    """Clip to 0..1 and round to the dtype of `pixels`."""
    np.clip(plane, 0, 1, out=plane)
    if pixels.dtype == np.float32:
        pixels[:] = plane
        return
    plane *= np.float32(np.iinfo(pixels.dtype).max)
    np.rint(plane, out=plane)
    pixels[:] = plane.astype(pixels.dtype)
