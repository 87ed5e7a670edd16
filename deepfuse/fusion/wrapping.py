"""Panoramas that go all the way round: they are fused as if their edges met."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np

from deepfuse.color import Image

Wrap = Literal["none", "horizontal", "vertical", "both"]
REACH_PX = 384
"""How far a network looks, a multiple of the side of its coarsest pixel, so that levels lie as without a margin."""


def fused_round(frames: Sequence[Image], wrap: Wrap, fuse: Callable[[Sequence[Image]], Image]) -> Image:
    """Fuse frames (H, W, 3) whose edges meet: what lies beyond one is what lies at the opposite one.

    Args:
        frames: of one shape and dtype.
        wrap: "horizontal" joins the left edge to the right one, "vertical" the upper one to the lower one.
        fuse: makes one picture of frames, of their shape.

    Returns:
        (H, W, 3).

    >>> frames = [np.arange(6, dtype=np.uint8).reshape(1, 2, 3)] * 2
    >>> fused_round(frames, "both", lambda grown: grown[0]).tolist() == frames[0].tolist()
    True
    """
    if wrap == "none":
        return fuse(frames)
    down, across = (REACH_PX if wrap in (one, "both") else 0 for one in ("vertical", "horizontal"))
    height, width = frames[0].shape[:2]
    fused = fuse([np.pad(frame, ((down, down), (across, across), (0, 0)), mode="wrap") for frame in frames])
    return np.ascontiguousarray(fused[down : down + height, across : across + width])
