"""Aligned frames in which things moved → what moved, and frames that all show the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from numpy.typing import ArrayLike

from deepfuse.color import Float, Image
from deepfuse.frames import check_frames
from deepfuse.motion.proxies import Proxy, make_proxy
from deepfuse.motion.regions import Motion, Region, choose_regions, find_motion
from deepfuse.motion.replacement import Patch, make_patch, put, softened, with_part
from deepfuse.motion.result import Deghosted, Moved
from deepfuse.motion.tones import tone_curve

MOST_SHARE = 0.25
"""Of the picture: where more differs, the light changed, and no frame can stand for another. What moved in the
brackets of docs/deghosting.md stays below 5 %, a flash makes 60 % differ."""


@dataclass(frozen=True)
class _Detection:
    proxies: tuple[Proxy, ...]
    motion: Motion
    regions: tuple[Region, ...]
    warnings: tuple[str, ...]


def detect_motion(frames: Sequence[ArrayLike], base: int) -> Moved:
    """What moved between aligned frames: all that `remove_ghosts` would replace, and nothing else.

    Args:
        frames: K ≥ 2 arrays (H, W, 3) of one shape and dtype: uint8, uint16 or float32 (0 to 1), sRGB-encoded, in any
            order: the result is the same.
        base: the frame that the others are compared with, unless another exposes a region much better.

    Raises:
        ValueError: fewer than two frames, unlike shapes, no such base, or floats that leave 0..1.
        TypeError: frames of another dtype, or of several.
    """
    found = _detect(check_frames(frames), base)
    return Moved(len(found.regions), _alphas(found), found.warnings)


def remove_ghosts(frames: Sequence[ArrayLike], base: int) -> Deghosted:
    """Make aligned frames agree where something moved, each region showing what one of them shows.

    Args:
        frames: K ≥ 2 arrays (H, W, 3) of one shape and dtype: uint8, uint16 or float32 (0 to 1), sRGB-encoded, in any
            order: the result is the same.
        base: the frame preferred where several expose a region about as well.

    Raises:
        ValueError: fewer than two frames, unlike shapes, no such base, or floats that leave 0..1.
        TypeError: frames of another dtype, or of several.

    >>> import numpy as np
    >>> from deepfuse import remove_ghosts
    >>> y, x = np.mgrid[:192, :256]
    >>> still = np.repeat(np.rint(90 + 30 * np.sin(x / 9) * np.cos(y / 7))[..., None], 3, 2).astype(np.uint8)
    >>> moved = still.copy()
    >>> moved[80:110, 100:130] = 230
    >>> found = remove_ghosts([still, moved], base=0)
    >>> found.regions, bool(np.abs(found.frames[1].astype(int) - still).max() < 10)
    (1, True)
    """
    arrays = check_frames(frames)
    found = _detect(arrays, base)
    made = tuple(_agreeing(index, arrays, found) for index in range(len(arrays)))
    warnings = tuple(f"{warning}; it is fused as it is" for warning in found.warnings)
    return Deghosted(len(found.regions), _alphas(found), warnings, made)


def _detect(arrays: Sequence[Image], base: int) -> _Detection:
    if not 0 <= base < len(arrays):
        raise ValueError(f"expected a base from 0 to {len(arrays) - 1}, got {base}")
    proxies = tuple(make_proxy(array) for array in arrays)
    motion = find_motion(proxies)
    if motion.share > MOST_SHARE:
        warning = f"{motion.share:.0%} of the picture differ between the frames: the light changed, or too much moved"
        return _Detection(proxies, motion, (), (warning,))
    return _Detection(proxies, motion, choose_regions(motion, proxies, base), ())


def _alphas(found: _Detection) -> tuple[Float | None, ...]:
    """How much of each frame shows something else."""
    alphas: list[Float | None] = [None] * len(found.proxies)
    for region in found.regions:
        for index, mask in region.masks.items():
            alphas[index] = with_part(alphas[index], softened(mask), region.box, found.proxies[index].shape)
    return tuple(alphas)


def _agreeing(index: int, arrays: Sequence[Image], found: _Detection) -> Image:
    """A frame with all that is put into it; itself where nothing is."""
    made = arrays[index]
    for patch, source in _patches(index, found):
        if made is arrays[index]:
            made = made.copy()
        put(patch, arrays[source], made, found.proxies[index].shape)
    return made


def _patches(index: int, found: _Detection) -> Iterator[tuple[Patch, int]]:
    """What is put into a frame, and from which frame it comes."""
    proxies, still = found.proxies, found.motion.labels == 0
    curve_from = cache(lambda source: tone_curve(proxies[source], proxies[index], still))
    for region in found.regions:
        if index in region.masks:
            curve, source = curve_from(region.source), region.source
            yield make_patch(region, index, still, curve, (proxies[source], proxies[index])), source
