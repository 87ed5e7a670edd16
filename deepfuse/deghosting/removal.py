"""Aligned frames in which things moved → frames that all show the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from deepfuse.color import Float, Image, check_range
from deepfuse.deghosting.proxies import Proxy, make_proxy
from deepfuse.deghosting.regions import Motion, choose_regions, find_motion
from deepfuse.deghosting.replacement import enlarged_mask, make_patch, put, with_patch
from deepfuse.deghosting.tones import tone_curve

MOST_SHARE = 0.25
"""Of the picture: where more differs, the light changed, and no frame can stand for another."""


@dataclass(frozen=True)
class Deghosted:
    """Frames that agree; those into which nothing was put are the very arrays that came in.

    `share` is the share of the picture that moved, 0 to 1, and `regions` the number of connected regions; `warnings`
    say why nothing was done about them. `shares` says for each frame how much of it shows another one.
    """

    frames: tuple[Image, ...]
    share: float
    regions: int
    alphas: tuple[Float | None, ...]
    warnings: tuple[str, ...] = ()

    def mask(self, index: int) -> Image:
        """How much of a frame was taken from another one: (H, W) of uint8, 255 is all."""
        height, width = self.frames[index].shape[:2]
        alpha = self.alphas[index]
        if alpha is None:
            return np.zeros((height, width), np.uint8)
        return enlarged_mask(alpha, (width, height))

    def record(self) -> dict[str, Any]:
        """Everything but the pixels, as JSON values."""
        replaced = [0.0 if alpha is None else round(float(alpha.mean()), 5) for alpha in self.alphas]
        return {"share": round(self.share, 5), "regions": self.regions, "replaced": replaced}


def remove_ghosts(frames: Sequence[Image], base: int) -> Deghosted:
    """Make aligned frames agree where something moved, each region showing what one of them shows.

    Args:
        frames: K ≥ 2 arrays (H, W, 3) of one shape and dtype: uint8, uint16 or float32 (0 to 1), sRGB-encoded, in any
            order: the result is the same.
        base: the frame preferred where several expose a region about as well.

    Raises:
        ValueError: fewer than two frames, unlike shapes, no such base, or floats that leave 0..1.
        TypeError: frames of another dtype, or of several.
    """
    _check(frames, base)
    proxies = [make_proxy(frame) for frame in frames]
    motion = find_motion(proxies)
    share, count = motion.share, int(motion.labels.max())
    nothing: tuple[Float | None, ...] = (None,) * len(frames)
    if share > MOST_SHARE:
        warning = f"{share:.0%} of the picture differ between the frames: the light changed, or too much moved"
        return Deghosted(tuple(frames), share, count, nothing, (f"{warning}; ghosts are left in",))
    if count == 0:
        return Deghosted(tuple(frames), share, count, nothing)
    made, alphas = _replaced(frames, proxies, motion, base)
    return Deghosted(made, share, count, alphas)


def _replaced(
    frames: Sequence[Image], proxies: Sequence[Proxy], motion: Motion, base: int
) -> tuple[tuple[Image, ...], tuple[Float | None, ...]]:
    """The frames, those to be changed copied, and how much of them was replaced."""
    made = list(frames)
    alphas: list[Float | None] = [None] * len(frames)
    still = motion.labels == 0
    curve_of = cache(lambda source, index: tone_curve(proxies[source], proxies[index], still))
    for region in choose_regions(motion, proxies, base):
        for index, mask in region.masks.items():
            curve = curve_of(region.source, index)
            patch = make_patch(mask, still, curve, proxies[region.source], proxies[index])
            if made[index] is frames[index]:
                made[index] = frames[index].copy()
            put(patch, curve, frames[region.source], made[index], proxies[index].shape)
            alphas[index] = with_patch(alphas[index], patch, proxies[index].shape)
    return tuple(made), tuple(alphas)


def _check(frames: Sequence[Image], base: int) -> None:
    if len(frames) < 2:
        raise ValueError(f"expected 2 or more frames, got {len(frames)}")
    if not 0 <= base < len(frames):
        raise ValueError(f"expected a base from 0 to {len(frames) - 1}, got {base}")
    for index, frame in enumerate(frames):
        if frame.ndim != 3 or frame.shape[2] != 3 or 0 in frame.shape:
            raise ValueError(f"frame {index}: expected (height, width, 3), got {frame.shape}")
        if frame.shape != frames[0].shape:
            raise ValueError(f"frame {index}: expected {frames[0].shape} as frame 0, got {frame.shape}")
        if frame.dtype != frames[0].dtype:
            raise TypeError(f"frame {index}: expected {frames[0].dtype} as frame 0, got {frame.dtype}")
        check_range(frame)
