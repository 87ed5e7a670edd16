"""What the mosaic of a RAW file tells before it is developed: where the sensor ends, and the light's colour."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import rawpy

from deepfuse.color import Image

WhiteBalance = tuple[float, float, float, float]

_LEAST_SHARE = 0.8  # of the white level: what piles up below it is a bright wall rather than the sensor's end
_FULL = 0.998  # of the white level: half a grey level of 8 bits below it changes nothing that is seen
_SPIKE = 0.0025  # of the value: half the width in which saturated pixels lie
_BELOW = 0.05  # of the value: the width of the band below the spike that it is compared with
_STEEP = 8.0  # the spike's density over that band's
_FEWEST, _FEWEST_SHARE = 16, 5e-5  # pixels of a colour, and their share: fewer are hot pixels
_GREY_BLOCK_PX = 8  # as LibRaw's automatic white balance
_UNCLIPPED = 0.75  # of the white level: below where sensors end


def saturation(handle: rawpy.RawPy, balance: WhiteBalance) -> int | None:
    """The highest level above black that may count as white, so that saturated pixels are neutral.

    Args:
        handle: an open RAW file; its mosaic is unpacked.
        balance: the multipliers that it will be developed with.

    Returns:
        Levels above black; `None` where nothing saturates below the file's own white level, or where it has no mosaic.
    """
    white, least = handle.white_level, min(balance[:3])
    limits = []
    for colour, values in _by_colour(handle):
        top = _pile_up(values, white)
        if top is not None and least > 0:
            gain = (balance[colour] or balance[1]) / least
            limits.append((top - handle.black_level_per_channel[colour]) * gain)
    highest = white - max(handle.black_level_per_channel[:3])
    return int(min(limits)) if limits and min(limits) < _FULL * highest else None


def grey_world(handle: rawpy.RawPy) -> WhiteBalance | None:
    """The multipliers that make the mean of the mosaic grey, blocks with a clipped pixel left out; `None` without any.

    This is what LibRaw's automatic white balance does, whose result it does not tell.
    """
    if not _has_mosaic(handle):
        return None
    pattern, visible = _pattern(handle), handle.raw_image_visible
    period = pattern.shape[0]
    side = period * -(-_GREY_BLOCK_PX // period)
    rows, columns = (length // side for length in visible.shape)
    blocks = visible[: rows * side, : columns * side].reshape(rows, side, columns, side)
    whole = blocks.max(axis=(1, 3)) < _UNCLIPPED * handle.white_level
    sums, counts = np.zeros(4), np.zeros(4)
    for (row, column), colour in np.ndenumerate(pattern):
        part = blocks[:, row::period, :, column::period]
        sums[colour] += part.sum(axis=(1, 3), dtype=np.float64)[whole].sum()
        counts[colour] += whole.sum() * part.shape[1] * part.shape[3]
    light = sums / np.maximum(counts, 1) - np.asarray(handle.black_level_per_channel)
    red, green, blue = light[0], light[[1, 3]] @ counts[[1, 3]] / max(counts[[1, 3]].sum(), 1), light[2]
    return (float(green / red), 1.0, float(green / blue), 1.0) if min(red, green, blue) > 0 else None


def _pile_up(values: Image, white: int) -> int | None:
    """The level at which values end in a spike; `None` where they run out."""
    floor = int(_LEAST_SHARE * white)
    counts = np.bincount(values[values >= floor].ravel() - floor)
    from_top = counts[::-1].cumsum()[::-1]
    fewest = max(_FEWEST, _FEWEST_SHARE * values.size)
    if not len(counts) or from_top[0] < fewest:
        return None
    highest = int(np.flatnonzero(from_top >= fewest)[-1])
    half = max(1, round(_SPIKE * (highest + floor)))
    start = max(0, highest - 2 * half)
    spike = start + int(counts[start : highest + 1].argmax())
    lowest, below = max(0, spike - half), max(0, spike - round(_BELOW * (spike + floor)))
    inside = counts[lowest : spike + half + 1].sum() / (2 * half + 1)
    around = counts[below:lowest].mean() if lowest > below else 0.0
    return spike + floor if inside >= _STEEP * around else None


def _by_colour(handle: rawpy.RawPy) -> Iterator[tuple[int, Image]]:
    """The visible values of each place of the pattern, with the index of its colour."""
    if not _has_mosaic(handle):
        return
    pattern, visible = _pattern(handle), handle.raw_image_visible
    period = pattern.shape[0]
    for colour in np.unique(pattern):
        places = [visible[row::period, column::period].ravel() for row, column in np.argwhere(pattern == colour)]
        yield int(colour), np.concatenate(places) if len(places) > 1 else places[0]


def _has_mosaic(handle: rawpy.RawPy) -> bool:
    if handle.raw_type != rawpy.RawType.Flat or handle.num_colors != 3:
        return False
    pattern = handle.raw_pattern
    return pattern is not None and min(pattern.shape) > 1 and bool(np.isin(pattern, (0, 1, 2, 3)).all())


def _pattern(handle: rawpy.RawPy) -> Image:
    """The colours' indices as the visible part begins."""
    pattern: Image = np.asarray(handle.raw_pattern)
    return np.roll(pattern, (-handle.sizes.top_margin, -handle.sizes.left_margin), axis=(0, 1))
