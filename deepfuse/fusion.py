"""Frames and a model → the fused picture: any size, any number of exposures."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from deepfuse.color import (
    Float,
    Image,
    check_range,
    from_float,
    fuse_chroma,
    luma,
    rgb_to_ycbcr,
    to_float,
    ycbcr_to_rgb,
)
from deepfuse.model import SHIPPED, Network, read_model

TILE_PX = 512


def fuse(frames: Sequence[ArrayLike], *, model: Network | None = None) -> Image:
    """Fuse the aligned exposures of one scene into one picture.

    Args:
        frames: K ≥ 2 arrays (H, W, 3) of one shape and dtype: uint8, uint16 or float32 (0 to 1), sRGB-encoded,
            in any order: the result is the same.
        model: the network; the shipped one if `None`.

    Returns:
        (H, W, 3) of the frames' dtype.

    Raises:
        ValueError: fewer than two frames, other shapes, or floats that leave 0..1.
        TypeError: frames of another dtype, or of several.
    """
    arrays = sorted(_checked(frames), key=lambda array: float(array.mean(dtype=np.float64)))
    lumas = np.stack([luma(to_float(array)) for array in arrays])
    y = np.clip(fuse_luma(lumas, model or shipped_model()), 0, 1)
    chroma = fuse_chroma(rgb_to_ycbcr(to_float(array))[1] for array in arrays)
    return from_float(ycbcr_to_rgb(y, chroma), arrays[0].dtype)


@cache
def shipped_model() -> Network:
    """The network that comes with the package."""
    return read_model(SHIPPED)


def fuse_luma(lumas: Float, model: Network) -> Float:
    """The network over a picture of any size, tile by tile.

    Each tile is computed with the network's whole field of view around it, so tiles meet without seams; beyond the
    picture its edge goes on, for the zeros that the network pads with would darken the border.

    Args:
        lumas: (K, H, W) from 0 to 1.
        model: the network.

    Returns:
        (H, W), not clipped.
    """
    device, halo = next(model.parameters()).device, model.halo_px
    height, width = lumas.shape[1:]
    padded = np.pad(lumas, ((0, 0), (halo, halo), (halo, halo)), mode="edge")
    fused = np.empty((height, width), np.float32)
    with torch.inference_mode():
        for top in range(0, height, TILE_PX):
            for left in range(0, width, TILE_PX):
                bottom, right = min(top + TILE_PX, height), min(left + TILE_PX, width)
                tile = np.ascontiguousarray(padded[:, top : bottom + 2 * halo, left : right + 2 * halo])
                result = model(torch.from_numpy(tile)[None].to(device))[0, 0, halo:-halo, halo:-halo]
                fused[top:bottom, left:right] = result.float().cpu().numpy()
    return fused


def _checked(frames: Sequence[ArrayLike]) -> list[NDArray[np.generic]]:
    if len(frames) < 2:
        raise ValueError(f"expected 2 or more exposures, got {len(frames)}")
    arrays = [np.asarray(frame) for frame in frames]
    if len({array.dtype for array in arrays}) > 1:
        raise TypeError(f"expected frames of one dtype, got {', '.join(str(array.dtype) for array in arrays)}")
    shapes = {array.shape for array in arrays}
    if len(shapes) > 1 or arrays[0].ndim != 3 or arrays[0].shape[2] != 3 or 0 in arrays[0].shape:
        raise ValueError(f"expected frames of one shape (H, W, 3), got {', '.join(map(str, sorted(shapes)))}")
    for array in arrays:
        check_range(array)
    return arrays
