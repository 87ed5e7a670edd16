"""What is left of the picture, and which frames it is worth leaving out for more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from deepfuse.alignment.geometry import corner_shift_px
from deepfuse.alignment.rectangle import common_rectangle
from deepfuse.alignment.result import AlignmentError, IfUnaligned, Matrix, Registration, Unplaced

MIN_FRAMES = 2  # one alone is no bracket


@dataclass(frozen=True)
class Placed:
    """Motions to the reference by frame, in full-size pixels, and the frames that have none."""

    reference: int
    homographies: dict[int, Matrix]
    unplaced: tuple[Unplaced, ...]

    def without(self, frame: Unplaced) -> Placed:
        """The same with a frame taken where it is, or left out."""
        homographies = {index: motion for index, motion in self.homographies.items() if index != frame.frame}
        homographies |= {frame.frame: np.eye(3)} if frame.taken else {}
        return replace(self, homographies=homographies, unplaced=(*self.unplaced, frame))


def with_enough_left(
    placed: Placed,
    shape: tuple[int, ...],
    min_kept: float,
    if_unaligned: IfUnaligned,
    evidence: Sequence[Registration],
) -> Placed:
    """The frames of which a crop keeps `min_kept` or more: those that moved farthest are given up.

    Raises:
        AlignmentError: too little is left, and no frame may be given up, or two are left.
    """
    height, width = shape[:2]
    while True:
        crop = common_rectangle(placed.homographies.values(), width, height)
        kept = crop[2] * crop[3] / (width * height)
        if kept >= min_kept:
            return placed
        worst = _farthest(placed, width, height, f"the crop would keep {kept:.0%} of the picture, not {min_kept:.0%}")
        if if_unaligned == "refuse" or (if_unaligned == "drop" and len(placed.homographies) <= MIN_FRAMES):
            raise AlignmentError(worst.told(), evidence, (*placed.unplaced, worst))
        placed = placed.without(replace(worst, taken=if_unaligned == "as-is"))


def _farthest(placed: Placed, width: int, height: int, so_that: str) -> Unplaced:
    shifts = {index: corner_shift_px(motion, width, height) for index, motion in placed.homographies.items()}
    frame = max(shifts, key=lambda index: shifts[index])
    found = f"it moved by {shifts[frame]:.1f} px; {so_that}"
    return Unplaced(frame, placed.reference, "the two have too little in common", found)
