"""From proxy pixels to the pixels of the full picture, corrected there by tiles of full size."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np

from deepfuse.alignment.alike import Curve
from deepfuse.alignment.geometry import (
    apply,
    corner_shift_px,
    corners,
    is_camera_motion,
    is_identity,
    to_full_size,
    translation,
    warp,
    warp_mask,
)
from deepfuse.alignment.pair import UNTOUCHED_PX, Pair
from deepfuse.alignment.proxy import Proxy, luma, prepare
from deepfuse.alignment.refinement import NEAR_PX, fit_correction, polish, refine
from deepfuse.alignment.result import Matrix
from deepfuse.alignment.tiles import REACH_PX, Votes, ballot, clearly_better, collect, vote
from deepfuse.color import Image, Mask

TILE_PX = 128  # of full size: enough texture for a peak also where noise is strong
INNER_PX = REACH_PX + 16  # a window needs round its tile room to search, and a surround for the contrast
WINDOW_PX = TILE_PX + 2 * INNER_PX
KERNEL_PX = 2  # what a cubic kernel reads on each side
AT_ONCE = 4  # windows; a third of their time is Python's, which more threads would wait for
MAX_TILES = 36  # spread evenly, nine times what a homography needs


@dataclass(frozen=True)
class FullPair:
    """Two whole pictures (height, width, 3), alike in shape, their proxies, and where they are picture."""

    reference: Image
    frame: Image
    proxies: Pair
    known: tuple[Mask | None, Mask | None] = (None, None)

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in full-size pixels."""
        return self.reference.shape[1], self.reference.shape[0]


def finish(start: Matrix, pair: FullPair) -> Matrix | None:
    """The motion, frame to reference, in full-size pixels; exactly the identity where that is as good.

    Args:
        start: the motion in proxy pixels.

    Returns:
        `None` where the two pictures show too little in common for a comparison.
    """
    full = to_full_size(start, pair.size, pair.proxies.reference.size)
    seen = pair.proxies.ask(start)
    if not seen.confirm(pair.proxies.gate.moving_tiles):
        return None
    if min(pair.size) < WINDOW_PX:
        return unless_still(full, pair.size)
    ask = _voter(pair, seen)
    still = ask(np.eye(3))
    stands = still.confirm(pair.proxies.gate.still_tiles)
    outlines_alone = pair.proxies.curves is not None  # where light falls off they lie a little off: no subpixel
    if stands and is_identity(start) and (outlines_alone or _asks_for_nothing(still, pair.size)):
        return np.eye(3)
    refined, votes = polish(*refine(full, ask), ask, pair.size)
    if stands and not clearly_better(votes, still):
        return np.eye(3)
    return unless_still(refined if is_camera_motion(refined, *pair.size) else full, pair.size)


def unless_still(homography: Matrix, size: tuple[int, int]) -> Matrix:
    """Exactly the identity where no corner moves noticeably."""
    return np.eye(3) if corner_shift_px(homography, *size) < UNTOUCHED_PX else homography


def _asks_for_nothing(votes: Votes, size: tuple[int, int]) -> bool:
    """Whether the motion that the tiles ask for is too small to notice."""
    correction = fit_correction(votes, NEAR_PX)
    return correction is not None and corner_shift_px(correction, *size) < UNTOUCHED_PX


def _voter(pair: FullPair, seen: Votes) -> Callable[[Matrix], Votes]:
    """Who judges a motion in full-size pixels: the proxies' tiles if those are full size, else windows."""
    scale = pair.size[0] / pair.proxies.reference.size[0]
    if scale == 1.0:
        return lambda motion: vote(pair.proxies.reference, pair.proxies.frame, motion, overlap=2)
    return _window_voter(pair, (_spread(seen.centres[seen.agreeing]) + 0.5) * scale - 0.5)


def _spread(centres: Matrix) -> Matrix:
    """Thin `centres` (N, 2) evenly to `MAX_TILES`."""
    picks = np.linspace(0, len(centres) - 1, min(MAX_TILES, len(centres)))
    return np.asarray(centres[picks.round().astype(int)])


def _window_voter(pair: FullPair, centres: Matrix) -> Callable[[Matrix], Votes]:
    side = WINDOW_PX
    corners = np.clip(np.rint(centres) - side // 2, 0, np.array(pair.size) - side).astype(int)
    places = [(int(x), int(y)) for x, y in corners]
    curves = pair.proxies.curves or (None, None)
    windows = [_seen(_window(pair.reference, pair.known[0], (x, y), (side, side)), curves[0]) for x, y in places]

    def ask(homography: Matrix) -> Votes:
        with ThreadPoolExecutor(max(min(cv2.getNumThreads(), AT_ONCE), 1)) as pool:  # what this process may use
            ballots = pool.map(lambda window, at: _ballot(window, pair, homography, at), windows, places)
            return collect(list(ballots))

    return ask


def _window(picture: Image, known: Mask | None, at: tuple[int, int], size: tuple[int, int]) -> Proxy:
    x, y = at
    rows, columns = slice(y, y + size[1]), slice(x, x + size[0])
    return prepare(luma(picture[rows, columns]), None if known is None else known[rows, columns])


def _seen(window: Proxy, curve: Curve | None) -> Proxy:
    return curve.apply(window) if curve else window


def _ballot(here: Proxy, pair: FullPair, homography: Matrix, at: tuple[int, int]) -> tuple[float, ...]:
    frame, known = pair.frame, pair.known[1]
    if is_identity(homography):
        moved = _window(frame, known, at, here.size)
    else:
        onto = translation(-at[0], -at[1]) @ homography
        part, corner = _read_by(onto, here.size, pair.size)
        y = warp(luma(frame[part]), onto @ translation(*corner), here.size)
        moved = prepare(y, None if known is None else warp_mask(known, onto, here.size))
    moved = _seen(moved, pair.proxies.curves[1] if pair.proxies.curves else None)
    both = np.asarray(here.valid & moved.valid, dtype=np.uint8)
    found = ballot(here.contrast * both, moved.contrast, both, (INNER_PX, INNER_PX, TILE_PX, TILE_PX))
    return found[0] + at[0], found[1] + at[1], *found[2:]


def _read_by(motion: Matrix, window: tuple[int, int], size: tuple[int, int]) -> tuple[tuple[slice, slice], Matrix]:
    """What a (width, height) window reads of a picture that `motion` brings to it, and where (x, y) that begins."""
    reached = apply(np.asarray(np.linalg.inv(motion)), corners(*window))
    most = np.array(size)
    low = np.clip(np.floor(reached.min(axis=0)).astype(int) - KERNEL_PX, 0, most - 1)
    high = np.clip(np.ceil(reached.max(axis=0)).astype(int) + KERNEL_PX + 1, low + 1, most)
    return (slice(low[1], high[1]), slice(low[0], high[0])), low
