"""Aligned frames in which things moved → frames that all show the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from deepfuse.color import Float, Image, check_range
from deepfuse.motion.proxies import Proxy, make_proxy
from deepfuse.motion.regions import Motion, Region, choose_regions, find_motion
from deepfuse.motion.replacement import Patch, enlarged_mask, make_patch, put, with_patch
from deepfuse.motion.tones import tone_curve

MOST_SHARE = 0.25
"""Of the picture: where more differs, the light changed, and no frame can stand for another."""


@dataclass(frozen=True)
class Deghosted:
    """Frames that agree; those into which nothing was put are the very arrays that came in.

    `regions` is the number of connected regions that moved. `alphas` say for each frame how much of it shows another
    one: (h, w) from 0 to 1, reduced as the proxies, `None` where nothing does. `warnings` say why nothing was done.
    """

    frames: tuple[Image, ...]
    regions: int
    alphas: tuple[Float | None, ...]
    warnings: tuple[str, ...] = ()

    @property
    def share(self) -> float:
        """Share of the picture of which some frame shows another one, 0 to 1."""
        changed = [alpha for alpha in self.alphas if alpha is not None]
        return float(np.max(changed, axis=0).mean()) if changed else 0.0

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


def remove_ghosts(frames: Sequence[ArrayLike], base: int) -> Deghosted:
    """Make aligned frames agree where something moved, each region showing what one of them shows.

    Args:
        frames: K ≥ 2 arrays (H, W, 3) of one shape and dtype: uint8, uint16 or float32 (0 to 1), sRGB-encoded, in any
            order: the result is the same.
        base: the frame preferred where several expose a region about as well.

    Raises:
        ValueError: fewer than two frames, unlike shapes, no such base, or floats that leave 0..1.
        TypeError: frames of another dtype, or of several.

    >>> from deepfuse import remove_ghosts
    >>> y, x = np.mgrid[:192, :256]
    >>> still = np.repeat(np.rint(90 + 30 * np.sin(x / 9) * np.cos(y / 7))[..., None], 3, 2).astype(np.uint8)
    >>> moved = still.copy()
    >>> moved[80:110, 100:130] = 230
    >>> found = remove_ghosts([still, moved], base=0)
    >>> found.regions, bool(np.abs(found.frames[1].astype(int) - still).max() < 10)
    (1, True)
    """
    arrays = [np.asarray(frame) for frame in frames]
    _check(arrays, base)
    proxies = [make_proxy(array) for array in arrays]
    motion = find_motion(proxies)
    nothing: tuple[Float | None, ...] = (None,) * len(arrays)
    if motion.share > MOST_SHARE:
        warning = f"{motion.share:.0%} of the picture differ between the frames: the light changed, or too much moved"
        return Deghosted(tuple(arrays), 0, nothing, (f"{warning}; it is fused as it is",))
    regions = choose_regions(motion, proxies, base)
    made, alphas = list(arrays), list(nothing)
    for index in range(len(arrays)):
        for patch, source in _patches(index, regions, proxies, motion):
            if made[index] is arrays[index]:
                made[index] = arrays[index].copy()
            put(patch, arrays[source], made[index], proxies[index].shape)
            alphas[index] = with_patch(alphas[index], patch, proxies[index].shape)
    return Deghosted(tuple(made), len(regions), tuple(alphas))


def _patches(
    index: int, regions: Sequence[Region], proxies: Sequence[Proxy], motion: Motion
) -> Iterator[tuple[Patch, int]]:
    """What is put into a frame, and from which frame it comes."""
    still = motion.labels == 0
    curve_from = cache(lambda source: tone_curve(proxies[source], proxies[index], still))
    for region in regions:
        if index in region.masks:
            curve, source = curve_from(region.source), region.source
            yield make_patch(region, index, still, curve, (proxies[source], proxies[index])), source


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
