"""The pyramid network over some rows of a large picture: each level computes what the next one needs, no more."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from deepfuse.model.level import COARSEST, Known, Level, bounded, finer, needed, seen
from deepfuse.model.network import device_of
from deepfuse.model.resampling import Array, halve
from deepfuse.model.rows import Exposures, Luma, Rows, bands, coarser
from deepfuse.threads import Run

KEPT = 2  # the pyramid is kept whole from this level on, a quarter of the size
WHOLE = 4  # from this level on the network computes the whole picture at once, a 256th of its pixels


class PyramidRows:
    """The fused luma of a picture, at any rows.

    Args:
        levels: the network's, by index.
        exposures: of the picture.
        finest: the last level that the network computes, 1 or 2: half or a quarter of the size.
        run: `map`, or one that works on strips side by side.
        strips: of the picture, their ends on multiples of 4 rows.
    """

    def __init__(
        self, levels: dict[int, Level], exposures: Exposures, *, finest: int, run: Run, strips: Sequence[slice]
    ) -> None:
        self._levels, self._exposures, self._finest = levels, exposures, finest
        self._device = device_of(levels[COARSEST])
        grid = 2**COARSEST
        self._height, self._width = (size + -size % grid for size in (exposures.height, exposures.width))
        self._quarter = np.empty((exposures.count, self._height // 4, self._width // 4), np.float32)
        for _ in run(self._shrink, [*strips[:-1], slice(strips[-1].start, self._height)]):
            pass
        with torch.inference_mode():
            self._pyramid = self._coarse_pyramid()
            self._means = self._pyramid[COARSEST].planes.mean((2, 3))
            self._overview = self._coarse_levels()

    def __call__(self, rows: slice) -> Luma:
        """The fused luma (H, W) from 0 to 1 of these rows; the first is an even one."""
        half, fused, coefficients = self._at_half_size(coarser(rows, self._height // 2))
        result = np.empty((rows.stop - rows.start, self._exposures.width), np.float32)
        for band in bands(rows, self._exposures.width):
            lumas = [self._exposures.luma(k, band)[None] for k in range(self._exposures.count)]
            part, _ = finer(band, lumas, half, fused, coefficients)
            result[band.start - rows.start : band.stop - rows.start] = bounded(part)[0]
        return result

    def _coarse_pyramid(self) -> dict[int, Rows[Tensor]]:
        """The exposures from a quarter of the size on."""
        pyramid = {KEPT: Rows(0, torch.from_numpy(self._quarter)[None].to(self._device))}
        for index in range(KEPT, COARSEST):
            pyramid[index + 1] = Rows(0, halve(pyramid[index].planes))
        return pyramid

    def _coarse_levels(self) -> Known:
        """What the levels know that are computed whole."""
        known: Known | None = None
        for index in range(COARSEST, WHOLE - 1, -1):
            known = self._level(index, slice(0, self._pyramid[index].stop), self._pyramid[index], known)
        assert known is not None
        return known

    def _level(self, index: int, rows: slice, luma: Rows[Tensor], known: Known | None) -> Known:
        found: Known = self._levels[index](rows, luma, self._pyramid.get(index + 1, self._means), known)
        return found

    def _computed(self, rows: slice, luma: Rows[Tensor]) -> Known:
        """What the finest level of the network knows at these rows of it."""
        wanted = {self._finest: rows}
        for index in range(self._finest, WHOLE - 1):
            wanted[index + 1] = needed(wanted[index], self._pyramid[index + 1].stop)
        known = self._overview
        for index in range(WHOLE - 1, self._finest - 1, -1):
            known = self._level(index, wanted[index], luma if index == self._finest else self._pyramid[index], known)
        return known

    def _at_half_size(self, rows: slice) -> tuple[Rows[Array], Rows[Array], list[Rows[Array]]]:
        """The exposures, the picture fused so far and the coefficients of full size's bands, at half size."""
        if self._finest == 1:
            around = seen(rows, self._height // 2)
            half = Rows(around.start, self._half(around))
            known = self._computed(rows, Rows(around.start, torch.from_numpy(half.planes)[None].to(self._device)))
            return half, *_arrays(known)
        cut = coarser(rows, self._height // 4)
        fused, coefficients = _arrays(self._computed(cut, self._pyramid[KEPT]))
        half = Rows(rows.start, self._half(rows))
        picture, enlarged = finer(rows, list(half.planes[:, None]), Rows(0, self._quarter), fused, coefficients)
        return half, Rows(rows.start, picture), [Rows(rows.start, plane) for plane in enlarged]

    def _shrink(self, rows: slice) -> None:
        for band in bands(slice(rows.start // 2, rows.stop // 2), self._width // 2):
            for k, quarter in enumerate(self._quarter):
                quarter[band.start // 2 : band.stop // 2] = halve(halve(self._padded(k, band)))

    def _half(self, rows: slice) -> NDArray[np.float32]:
        """The exposures' luma at half size, (K, H, W): these rows of it."""
        halves = np.empty((self._exposures.count, rows.stop - rows.start, self._width // 2), np.float32)
        for band in bands(rows, self._width // 2):
            for k, half in enumerate(halves):
                half[band.start - rows.start : band.stop - rows.start] = halve(self._padded(k, band))
        return halves

    def _padded(self, k: int, half: slice) -> Array:
        """The luma that these rows of half size come from; beyond the picture its edge goes on."""
        height, width = self._exposures.height, self._exposures.width
        start = min(2 * half.start, height - 1)
        y = self._exposures.luma(k, slice(start, max(min(2 * half.stop, height), start + 1)))
        missing = 2 * (half.stop - half.start) - len(y)
        return np.asarray(cv2.copyMakeBorder(y, 0, missing, 0, self._width - width, cv2.BORDER_REPLICATE), np.float32)


def _arrays(known: Known) -> tuple[Rows[Array], list[Rows[Array]]]:
    """The fused picture and the coefficients of each exposure, (1, H, W) each, out of torch."""
    fused, coefficients = (part.planes[0].cpu().numpy() for part in (known.fused, known.coefficients))
    start = known.fused.start
    return Rows(start, fused), [Rows(start, plane[None]) for plane in coefficients]
