"""Fused luma and the frames' colours → pixels: planes of rows small enough to stay in the processor's cache."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import cv2
import numpy as np

from deepfuse.color import Float, Image
from deepfuse.fusion.colour import Colour, exposed, saturated
from deepfuse.fusion.controls import NEUTRAL, Controls
from deepfuse.fusion.gamut import fitted
from deepfuse.fusion.temperature import warmed
from deepfuse.fusion.tone import toned
from deepfuse.model.network import Chroma


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
    planes = fitted(*_look(y.reshape(-1), flat, chroma, controls))
    if controls.temperature:
        planes = warmed(planes, controls.temperature)
    pixels[:] = cv2.merge([_stored(plane, pixels.dtype).reshape(y.shape) for plane in planes])


def _look(
    fused: Float, frames: Sequence[tuple[Float, Colour]], chroma: Chroma, controls: Controls
) -> tuple[Float, Colour]:
    """The fused luma and the frames' colours under these controls."""
    y = fused if controls == NEUTRAL else toned(fused.clip(0, 1), [luma for luma, _ in frames], controls)
    blue, red = exposed(frames, y) if chroma == "exposed" else saturated(colour for _, colour in frames)
    if controls.saturation != 1:
        blue, red = (plane * np.float32(controls.saturation) for plane in (blue, red))
    return y, (blue, red)


def _stored(plane: Float, dtype: np.dtype[Any]) -> Image:
    """Clipped to 0..1 and rounded to a dtype; the plane is not kept."""
    np.clip(plane, 0, 1, out=plane)
    if dtype == np.float32:
        return plane
    plane *= np.float32(np.iinfo(dtype).max)
    np.rint(plane, out=plane)
    return plane.astype(dtype)
