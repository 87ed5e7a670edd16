"""Aligned frames in which things moved → what moved, and frames that all show the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import ArrayLike

from deepfuse.color import Float, Image, Mask
from deepfuse.frames import check_frames
from deepfuse.motion.detection import changed_things
from deepfuse.motion.exposedness import lost
from deepfuse.motion.proxies import Proxy, make_proxy
from deepfuse.motion.regions import Motion, Region, choose_reference, choose_regions, find_motion
from deepfuse.motion.replacement import Patch, make_patch, put, softened, with_part
from deepfuse.motion.result import Deghosted, Elsewhere, Moved, Why
from deepfuse.motion.tones import tone_curve
from deepfuse.proxy import whole

MUCH_SHARE, MOST_SHARE = 0.25, 0.6
"""Of the picture: where more differs, the light may have changed, or it surely did. A person who fills the picture
makes a quarter of it differ, a flash two thirds."""
NEAR_PX = 12  # of what two frames do not show: beyond the feather of what is put in
OTHER_THINGS = 0.6  # of what differs, structure that does: light changes the tones of things, motion the things


@dataclass(frozen=True)
class _Detection:
    proxies: tuple[Proxy, ...]
    motion: Motion
    reference: int
    why: Why
    regions: tuple[Region, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def elsewhere(self) -> tuple[Elsewhere, ...]:
        """What is taken from another frame than the reference."""
        shape = self.proxies[0].shape
        return tuple(_elsewhere(region, shape) for region in self.regions if region.source != self.reference)


def detect_motion(
    frames: Sequence[ArrayLike], base: int, *, reference: int | None = None, told: Mask | None = None
) -> Moved:
    """What moved between aligned frames: all that `remove_ghosts` would replace, and nothing else.

    Args:
        frames: K ≥ 2 arrays (H, W, 3) of one shape and dtype: uint8, uint16 or float32 (0 to 1), sRGB-encoded, in any
            order: the result is the same.
        base: the frame to take for the reference unless another holds clearly more of what moved.
        reference: the frame that decides what is where; chosen if `None`.
        told: (H, W) of uint8, 1 where two frames or more are picture, so that they tell; everywhere if `None`.

    Raises:
        ValueError: fewer than two frames, unlike shapes, no such frame, or floats that leave 0..1.
        TypeError: frames of another dtype, or of several.
    """
    found = _detect(check_frames(frames), base, reference, told)
    return Moved(len(found.regions), _alphas(found), found.reference, found.why, found.elsewhere, found.warnings)


def remove_ghosts(
    frames: Sequence[ArrayLike], base: int, *, reference: int | None = None, told: Mask | None = None
) -> Deghosted:
    """Make aligned frames agree where something moved: all show the moment of one of them, the reference.

    Args:
        frames: K ≥ 2 arrays (H, W, 3) of one shape and dtype: uint8, uint16 or float32 (0 to 1), sRGB-encoded, in any
            order: the result is the same.
        base: the frame to take for the reference unless another holds clearly more of what moved.
        reference: the frame that decides what is where; chosen if `None`. Then a thing of which most is lost in it, and
            light that another frame alone shows, are taken from that other one.
        told: (H, W) of uint8, 1 where two frames or more are picture, so that they tell; everywhere if `None`.

    Raises:
        ValueError: fewer than two frames, unlike shapes, no such frame, or floats that leave 0..1.
        TypeError: frames of another dtype, or of several.

    >>> import numpy as np
    >>> from deepfuse import remove_ghosts
    >>> y, x = np.mgrid[:192, :256]
    >>> still = np.repeat(np.rint(90 + 30 * np.sin(x / 9) * np.cos(y / 7))[..., None], 3, 2).astype(np.uint8)
    >>> moved = still.copy()
    >>> moved[80:110, 100:130] = 230
    >>> found = remove_ghosts([still, moved], base=0)
    >>> found.regions, found.reference, bool(np.abs(found.frames[1].astype(int) - still).max() < 10)
    (1, 0, True)
    """
    arrays = check_frames(frames)
    found = _detect(arrays, base, reference, told)
    made = tuple(_agreeing(index, arrays, found) for index in range(len(arrays)))
    warnings = tuple(f"{warning}; it is fused as it is" for warning in found.warnings)
    return Deghosted(len(found.regions), _alphas(found), found.reference, found.why, found.elsewhere, warnings, made)


def _detect(arrays: Sequence[Image], base: int, reference: int | None, told: Mask | None = None) -> _Detection:
    for index in (base, base if reference is None else reference):
        if not 0 <= index < len(arrays):
            raise ValueError(f"expected a frame from 0 to {len(arrays) - 1}, got {index}")
    proxies = tuple(make_proxy(array) for array in arrays)
    motion = find_motion(proxies, None if told is None else _surely(told, proxies[0].shape))
    preferred = base if reference is None else reference
    if _light_changed(motion, proxies):
        warning = f"{motion.share:.0%} of the picture differ between the frames: the light changed, or too much moved"
        return _Detection(proxies, motion, preferred, "the light changed", warnings=(warning,))
    if not motion.share:
        return _Detection(proxies, motion, preferred, "nothing moved")
    losses = lost(proxies, motion.still)
    chosen = choose_reference(motion, losses, base) if reference is None else reference
    bound = reference is not None
    why: Why = "asked for" if bound else "no other holds much more" if chosen == base else "it holds most of what moved"
    return _Detection(proxies, motion, chosen, why, choose_regions(motion, proxies, losses, chosen, bound=bound))


def _surely(told: Mask, shape: tuple[int, int]) -> Mask:
    """Where two frames tell, and not near where they do not: what is put in there fades out."""
    near = np.ones((2 * NEAR_PX + 1, 2 * NEAR_PX + 1), np.uint8)
    return np.asarray(cv2.erode(whole(told, shape[::-1]), near), np.uint8)


def _light_changed(motion: Motion, proxies: Sequence[Proxy]) -> bool:
    """Whether the tones of things changed rather than the things, in much of the picture; or all did."""
    if motion.share <= MUCH_SHARE:
        return False
    if motion.share > MOST_SHARE:
        return True
    one, other = max(motion.pairs, key=lambda pair: float(motion.pairs[pair].mean()))
    return changed_things(motion.pairs[one, other], proxies[one], proxies[other]) < OTHER_THINGS


def _elsewhere(region: Region, shape: tuple[int, int]) -> Elsewhere:
    top, bottom, left, right = region.box
    row = ("upper", "middle", "lower")[min(int(3 * (top + bottom) / (2 * shape[0])), 2)]
    column = ("left", "centre", "right")[min(int(3 * (left + right) / (2 * shape[1])), 2)]
    pixels = max(int(mask.sum()) for mask in region.masks.values())
    return Elsewhere(region.source, pixels / (shape[0] * shape[1]), f"{row} {column}", region.lit)


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
    proxies, still = found.proxies, found.motion.still
    curve_from = cache(lambda source: tone_curve(proxies[source], proxies[index], still))
    for region in found.regions:
        if index in region.masks:
            curve, source = curve_from(region.source), region.source
            yield make_patch(region, index, still, curve, (proxies[source], proxies[index])), source
