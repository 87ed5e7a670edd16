"""Frames and a model → the fused picture: any size, any number of exposures."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from deepfuse.color import (
    Float,
    Image,
    check_range,
    exposed_chroma,
    from_float,
    luma,
    rgb_to_ycbcr,
    saturated_chroma,
    to_float,
    ycbcr_to_rgb,
)
from deepfuse.model import SHIPPED, Network, read_model

STRIP_PX = 64


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
    model = model or shipped_model()
    arrays = sorted(_checked(frames), key=lambda array: float(array.mean(dtype=np.float64)))
    y = fuse_luma(np.stack([luma(to_float(array)) for array in arrays]), model)
    fused = np.empty_like(arrays[0])
    for top in range(0, len(y), STRIP_PX):  # what one strip needs stays in the processor's cache
        rows = slice(top, top + STRIP_PX)
        fused[rows] = _coloured(y[rows], [array[rows] for array in arrays], model)
    return fused


def _coloured(y: Float, frames: Sequence[Image], model: Network) -> Image:
    """The fused picture of some rows: fused luma (H, W) and the frames (H, W, 3) it comes from."""
    y = np.clip(y, 0, 1)
    pictures = (rgb_to_ycbcr(to_float(frame)) for frame in frames)
    chroma = exposed_chroma(pictures, y) if model.chroma == "exposed" else saturated_chroma(c for _, c in pictures)
    return from_float(ycbcr_to_rgb(y, chroma), frames[0].dtype)


@cache
def shipped_model() -> Network:
    """The network that comes with the package."""
    return read_model(SHIPPED)


def fuse_luma(lumas: Float, model: Network) -> Float:
    """The network over a picture of any size, tile by tile.

    What the network needs to know of the whole picture it takes from a small overview; each tile is computed with the
    network's whole field of view around it, so tiles meet without seams.

    Args:
        lumas: (K, H, W) from 0 to 1.
        model: the network.

    Returns:
        (H, W), not clipped.
    """
    height, width = lumas.shape[1:]
    fused = np.empty((height, width), np.float32)
    with torch.inference_mode():
        padded = torch.from_numpy(np.pad(lumas, ((0, 0), *(_border(size, model) for size in (height, width))), "edge"))
        padded = padded[None].to(next(model.parameters()).device)
        overview = model.overview(padded)
        for top in range(0, height, model.tile_px):
            for left in range(0, width, model.tile_px):
                bottom, right = min(top + model.tile_px, height), min(left + model.tile_px, width)
                tile = _detail(padded, overview, model, slice(top, bottom), slice(left, right))
                fused[top:bottom, left:right] = tile.float().cpu().numpy()
    return fused


def _border(size: int, model: Network) -> tuple[int, int]:
    """How far a picture of this height or width is continued, before and behind, so that it fits the grid."""
    return model.edge_px, model.edge_px + -(size + 2 * model.edge_px) % model.grid_px


def _detail(padded: Tensor, overview: tuple[Tensor, ...], model: Network, rows: slice, columns: slice) -> Tensor:
    """The network's output for some rows and columns of the picture, (H, W)."""
    around = [_around(part, size, model) for part, size in zip((rows, columns), padded.shape[2:], strict=True)]
    coarse = [slice(part.start // model.overview_px, part.stop // model.overview_px) for part in around]
    tile = padded[:, :, around[0], around[1]]
    result = model.detail(tile, tuple(plane[:, :, coarse[0], coarse[1]] for plane in overview))[0, 0]
    y, x = rows.start + model.edge_px - around[0].start, columns.start + model.edge_px - around[1].start
    return result[y : y + rows.stop - rows.start, x : x + columns.stop - columns.start]


def _around(part: slice, size: int, model: Network) -> slice:
    """The rows (or columns) of the padded picture that decide on `part` of the picture; their ends fit the grid."""
    start, stop = part.start + model.edge_px - model.halo_px, part.stop + model.edge_px + model.halo_px
    return slice(max(start, 0), min(stop + -stop % model.grid_px, size))


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
