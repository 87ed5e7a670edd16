"""Does a hypothesis fit? Small tiles of the picture vote, each by its own correlation peak."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from deepfuse.alignment.proxy import Proxy, warped
from deepfuse.alignment.result import Matrix
from deepfuse.color import Float, Mask

REACH_PX = 8  # displacements tried in each direction
MIN_PEAK = 0.3  # correlation; tiles that have nothing in common stay below
MIN_LEAD = 0.08  # of the peak over every displacement PEAK_RADIUS_PX or more away from it
PEAK_RADIUS_PX = 3.5  # the width of a peak, from the width of fine texture
MIN_VALID_SHARE = 0.3  # of a tile's pixels; fewer correlate by chance
AGREE_PX = 1.0  # what noise moves a peak by
SAME_PX = 1.5  # between the shifts that two tiles of one motion ask for
MIN_AGREEING_SHARE = 0.6  # of the clear tiles; chance gives each one in sixty
MIN_FAINT_SHARE = 0.15  # of all tiles; chance gives each one in sixty
MIN_GAIN = 0.01  # of correlation; less comes of resampling alone
MIN_GAINING_SHARE = 0.65  # of the tiles; chance gives half


@dataclass(frozen=True)
class Votes:
    """What N tiles found: centres (N, 2) in the reference, shifts (N, 2), correlation at no shift (N,).

    `clear` (N,) marks the tiles with one distinct peak; the others say nothing.
    """

    centres: Matrix
    shifts_px: Matrix
    at_zero: Matrix
    clear: NDArray[np.bool_]

    @property
    def agreeing(self) -> NDArray[np.bool_]:
        """Clear tiles that want to stay within `AGREE_PX`."""
        return self.clear & self.near

    @property
    def count(self) -> int:
        """Number of agreeing tiles."""
        return int(self.agreeing.sum())

    @property
    def residual_px(self) -> float:
        """Median shift that the agreeing tiles still ask for."""
        left = np.linalg.norm(self.shifts_px[self.agreeing], axis=1)
        return float(np.median(left)) if left.size else float("inf")

    def confirm(self, min_tiles: int) -> bool:
        """Whether enough tiles agree, and most of those that speak at all."""
        return self.count >= min_tiles and self.count >= MIN_AGREEING_SHARE * int(self.clear.sum())

    @property
    def near(self) -> NDArray[np.bool_]:
        """Tiles, clear or not, whose best match lies within `AGREE_PX`."""
        return np.asarray(np.linalg.norm(self.shifts_px, axis=1) <= AGREE_PX)

    @property
    def opposed(self) -> int:
        """Number of clear tiles that ask for one and the same motion elsewhere."""
        asked = self.shifts_px[self.clear & ~self.near]
        alike = np.linalg.norm(asked[:, None] - asked[None], axis=2) <= SAME_PX
        return int(alike.sum(axis=1).max(initial=0))

    def suggest(self, min_tiles: int) -> bool:
        """Whether far more tiles than by chance, clear or not, match best where they are; none object."""
        enough = max(min_tiles, MIN_FAINT_SHARE * int(np.isfinite(self.at_zero).sum()))
        return int(self.near.sum()) >= enough and self.count >= MIN_AGREEING_SHARE * int(self.clear.sum())

    def contradict(self, min_tiles: int) -> bool:
        """Whether enough tiles speak, and most of them want to be elsewhere."""
        speaking = int(self.clear.sum())
        return speaking >= min_tiles and self.count < (1 - MIN_AGREEING_SHARE) * speaking

    def cover(self, share: float, size: tuple[int, int]) -> bool:
        """Whether the agreeing tiles span `share` of both sides of a (width, height) picture."""
        if not self.count:
            return False
        extent = np.ptp(self.centres[self.agreeing], axis=0)
        return bool((extent >= share * np.array(size)).all())


def clearly_better(new: Votes, old: Votes) -> bool:
    """Whether most tiles correlate noticeably more under `new` than under `old`; both hold the same tiles."""
    gain = (new.at_zero - old.at_zero)[new.clear | old.clear]
    gain = gain[np.isfinite(gain)]
    return bool(gain.size and np.median(gain) > MIN_GAIN and (gain > 0).mean() >= MIN_GAINING_SHARE)


def tile_px(size: tuple[int, int]) -> int:
    """Side of a tile for a (width, height) picture."""
    return int(np.clip(max(size) // 14, 32, 72))


def vote(reference: Proxy, frame: Proxy, homography: Matrix, overlap: int = 1) -> Votes:
    """Let every tile of `reference` look for its best match in `frame` moved by `homography`.

    Tiles lie side by side, or every pixel in `overlap` by `overlap` of them.
    """
    other = warped(frame, homography, reference.size)
    both = np.asarray(reference.valid & other.valid, dtype=np.uint8)
    template, field = reference.contrast * both, other.contrast
    side = tile_px(reference.size)
    width, height = reference.size
    xs = range(REACH_PX, width - side - REACH_PX + 1, side)
    ys = range(REACH_PX, height - side - REACH_PX + 1, side // overlap)
    return collect([ballot(template, field, both, (x, y, side, side)) for y in ys for x in xs])


def collect(ballots: list[tuple[float, ...]]) -> Votes:
    """Count the ballots."""
    table = np.array(ballots, dtype=np.float64).reshape(-1, 7)
    clear = (table[:, 5] >= MIN_PEAK) & (table[:, 6] >= MIN_LEAD)
    return Votes(table[:, :2], table[:, 2:4], table[:, 4], clear)


def ballot(template: Float, field: Float, both: Mask, box: tuple[int, int, int, int]) -> tuple[float, ...]:
    """(x, y, shift x, shift y, correlation at zero, at peak, lead) of one tile; NaN without enough pixels.

    `box` is (x, y, width, height).
    """
    x, y, width, height = box
    centre = (x + (width - 1) / 2, y + (height - 1) / 2)
    if both[y : y + height, x : x + width].mean() < MIN_VALID_SHARE:
        return *centre, *[float("nan")] * 5
    wide = field[y - REACH_PX : y + height + REACH_PX, x - REACH_PX : x + width + REACH_PX]
    surface = cv2.matchTemplate(wide, template[y : y + height, x : x + width], cv2.TM_CCOEFF_NORMED)
    scores: Matrix = np.nan_to_num(surface.astype(np.float64), posinf=0.0, neginf=0.0)
    return *centre, *_shift(scores), float(scores[REACH_PX, REACH_PX]), *_height(scores)


def _height(surface: Matrix) -> tuple[float, float]:
    """The peak, and its lead over all that is not near it."""
    row, column = np.unravel_index(int(surface.argmax()), surface.shape)
    peak = float(surface[row, column])
    return peak, peak - float(surface[_far(surface.shape, int(row), int(column))].max())


@cache
def _far(shape: tuple[int, ...], row: int, column: int) -> NDArray[np.bool_]:
    """Where a surface of this shape is not near a peak; of such places there are a few hundred."""
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    return np.asarray(np.hypot(rows - row, columns - column) >= PEAK_RADIUS_PX)


def _shift(surface: Matrix) -> tuple[float, float]:
    """Sub-pixel place (x, y) of the peak against the middle."""
    row, column = (int(i) for i in np.unravel_index(int(surface.argmax()), surface.shape))
    shift_x = column + _vertex(surface[row], column) - REACH_PX
    shift_y = row + _vertex(surface[:, column], row) - REACH_PX
    return shift_x, shift_y


def _vertex(line: Matrix, at: int) -> float:
    """Offset, -0.5 to 0.5, of the vertex of the parabola through three neighbours; 0 at the rim."""
    if not 0 < at < len(line) - 1:
        return 0.0
    before, here, after = line[at - 1 : at + 2]
    bend = before - 2 * here + after
    return float(np.clip((before - after) / (2 * bend), -0.5, 0.5)) if bend < 0 else 0.0
