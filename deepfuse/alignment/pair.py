"""Two frames, what counts as proof of a motion between them, and an answer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from deepfuse.alignment.alike import Curve, common_curves
from deepfuse.alignment.geometry import is_camera_motion
from deepfuse.alignment.proxy import Proxy
from deepfuse.alignment.quarters import quarter
from deepfuse.alignment.result import Matrix
from deepfuse.alignment.tiles import Votes, vote

UNTOUCHED_PX = 0.25  # of a corner: resampling would blur more than so small a shift
STRONG = 3.0  # times proven: needs no second opinion


@dataclass(frozen=True)
class Gate:
    """What counts as proof: `min_inliers` feature matches, or fewer tiles, each of which is worth several."""

    min_inliers: int

    @property
    def still_tiles(self) -> int:
        """Tiles that prove two frames stand still: a hypothesis without a free parameter."""
        return max(4, round(self.min_inliers * 0.25))

    @property
    def faint_tiles(self) -> int:
        """The same from tiles without a distinct peak."""
        return max(6, round(self.min_inliers * 0.36))

    @property
    def moving_tiles(self) -> int:
        """Tiles that prove a motion that was fitted."""
        return max(6, round(self.min_inliers * 0.5))


@dataclass(frozen=True)
class Pair:
    """The frame to register, the one it is registered to, what counts as proof, and the curves that made them alike."""

    reference: Proxy
    frame: Proxy
    gate: Gate
    curves: tuple[Curve, Curve] | None = None

    @cached_property
    def alike(self) -> Pair:
        """The same in common tones, in which the outlines of what is clipped or black count."""
        curves = common_curves(self.reference, self.frame)
        reference, frame = (c.apply(p) for c, p in zip(curves, (self.reference, self.frame), strict=True))
        return Pair(reference, frame, self.gate, curves)

    @cached_property
    def still(self) -> Votes:
        """What the tiles say to no motion at all."""
        return self.ask(np.eye(3))

    @cached_property
    def quarters(self) -> Votes:
        """What the four quarters of all edges say to no motion; asked in common tones."""
        return quarter(self.reference, self.frame)

    @cached_property
    def edges_object(self) -> bool:
        """Whether most quarters ask for a motion: what stands still without them is the sensor's own pattern."""
        return self.curves is not None and 2 * self.quarters.count < int(self.quarters.clear.sum())

    @property
    def stands(self) -> bool:
        """Whether tiles prove that nothing moved."""
        return self.still.confirm(self.gate.still_tiles) and not self.edges_object

    def ask(self, homography: Matrix) -> Votes:
        """What the tiles say to `homography`, frame to reference in proxy pixels."""
        return vote(self.reference, self.frame, homography)

    def is_possible(self, homography: Matrix) -> bool:
        """Whether a hand could have moved the camera so."""
        return is_camera_motion(homography, *self.reference.size)


@dataclass(frozen=True)
class PairMatch:
    """One rung's answer: frame to reference in proxy pixels, and what carries it.

    `inliers` are feature matches, or agreeing tiles where tiles are the proof, and `residual_px` the median
    distance left at them in proxy pixels; `sure` says whether the answer may be used, `support` how many times
    over it is proven, and `alike` whether the two were compared in common tones.
    """

    method: str
    homography: Matrix
    inliers: int
    residual_px: float
    sure: bool = False
    support: float = 0.0
    alike: bool = False
