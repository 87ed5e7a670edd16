"""Some rows of large planes, and which rows of smaller ones they come from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic

import numpy as np
from numpy.typing import NDArray

from deepfuse.model.resampling import Planes, double

BAND_PX = 2**16  # pixels at once: what they need stays near, and threads seldom wait for Python's lock

Luma = NDArray[np.float32]
FewRows = Callable[[slice], Luma]
"""The fused luma (H, W) from 0 to 1 of some rows of a picture."""


@dataclass(frozen=True)
class Exposures:
    """The luma of K exposures of one picture, read where they lie: no plane of them need be kept.

    `luma(k, rows)` gives that of exposure k, from dark to bright, at these rows: (H, width), 0 to 1.
    """

    count: int
    height: int
    width: int
    luma: Callable[[int, slice], Luma]


@dataclass(frozen=True)
class Rows(Generic[Planes]):
    """Some rows of planes (..., H, W): those from `start` on."""

    start: int
    planes: Planes

    @property
    def stop(self) -> int:
        """The row behind the last."""
        return self.start + int(self.planes.shape[-2])

    def cut(self, rows: slice) -> Planes:
        """These rows of the picture."""
        return self.planes[..., rows.start - self.start : rows.stop - self.start, :]

    def doubled(self, rows: slice) -> Planes:
        """These rows of the picture twice as large."""
        coarse = coarser(rows, self.stop)
        return double(self.cut(coarse))[..., rows.start - 2 * coarse.start : rows.stop - 2 * coarse.start, :]

    def plane(self, k: int) -> Rows[Planes]:
        """One plane of several (..., K, H, W), as (..., 1, H, W)."""
        return Rows(self.start, self.planes[..., k : k + 1, :, :])


def coarser(rows: slice, height: int) -> slice:
    """The rows of the picture half as large, of that height, which enlarged decide on these rows."""
    return slice(max(rows.start // 2 - 1, 0), min((rows.stop + 1) // 2 + 1, height))


def grown(rows: slice, by: int, height: int, *, block: int = 1) -> slice:
    """More rows on both sides, as many as there are, their ends on blocks."""
    start, stop = max(rows.start - by, 0), min(rows.stop + by, height)
    return slice(start - start % block, min(stop + -stop % block, height))


def bands(rows: slice, width: int) -> Iterator[slice]:
    """These rows of a picture, a few at a time; all but the last ends on an even row."""
    height = max(BAND_PX // width, 16) // 2 * 2
    for top in range(rows.start, rows.stop, height):
        yield slice(top, min(top + height, rows.stop))
