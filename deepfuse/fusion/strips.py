"""The fused luma at full size, strip by strip: the frames are read where they lie, and no plane of theirs is kept."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from deepfuse.color import Float, Image
from deepfuse.fusion.colour import luma_plane
from deepfuse.model.paper import PaperNet
from deepfuse.model.pyramid import MARGIN, PyramidNet
from deepfuse.model.rows import RowByRow, Rows, coarser, precision, seen
from deepfuse.threads import Run

BAND_PX = 2**17  # pixels at once: what they need stays in the processor's cache
FewRows = Callable[[slice], Float]


def bands(rows: slice, width: int) -> Iterator[slice]:
    """These rows of a picture, a few at a time; all but the last ends on an even row."""
    height = max(BAND_PX // width, 16) // 2 * 2
    for top in range(rows.start, rows.stop, height):
        yield slice(top, min(top + height, rows.stop))


def paper_rows(frames: Sequence[Image], model: PaperNet) -> FewRows:
    """The fused luma of the paper's network, at any rows, by tiles with its field of view around."""
    height, width, _ = frames[0].shape
    device = next(model.parameters()).device
    dtype = precision(device)
    model = copy.deepcopy(model)
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload] # a memory format alone is enough

    def around(part: slice, size: int) -> NDArray[np.intp]:
        return np.arange(part.start - model.halo_px, part.stop + model.halo_px).clip(0, size - 1)

    def rows_of(rows: slice) -> Float:
        fused = np.empty((rows.stop - rows.start, width), np.float32)
        for left in range(0, width, model.tile_px):
            columns = slice(left, min(left + model.tile_px, width))
            window = np.ix_(around(rows, height), around(columns, width))
            tile = torch.from_numpy(np.stack([luma_plane(frame[window]) for frame in frames]))[None].to(device)
            inner = slice(model.halo_px, -model.halo_px)
            with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
                features = model.features(tile)
            fused[:, columns] = model.c5(features.float())[0, 0, inner, inner].cpu().numpy()
        return fused

    return rows_of


class PyramidRows:
    """The fused luma of a pyramid network, at any rows.

    Args:
        frames: from dark to bright, (H, W, 3).
        model: the network.
        finest: the last level that the network computes, 1 or 2: half or a quarter of the size.
        run: `map`, or one that runs strips side by side.
        strips: of the picture, their ends on multiples of 4 rows.
    """

    def __init__(
        self, frames: Sequence[Image], model: PyramidNet, *, finest: int, run: Run, strips: Sequence[slice]
    ) -> None:
        self._frames = frames
        self._finest = finest
        self._height, self._width = (size + -size % model.grid_px for size in frames[0].shape[:2])
        self._quarter = np.empty((len(frames), self._height // 4, self._width // 4), np.float32)
        for _ in run(self._shrink, [*strips[:-1], slice(strips[-1].start, self._height)]):
            pass
        with torch.inference_mode():
            self._network = RowByRow(model, torch.from_numpy(self._quarter)[None], finest=finest)

    def __call__(self, rows: slice) -> Float:
        """The fused luma (H, W) from 0 to 1 of these rows; the first is an even one."""
        width = self._frames[0].shape[1]
        half, fused, coefficients = self._at_half_size(coarser(rows, self._height // 2))
        result = np.empty((rows.stop - rows.start, width), np.float32)
        for band in bands(rows, width):
            lumas = [luma_plane(frame[band]) for frame in self._frames]
            part, _ = _finer(band, lumas, half, fused, coefficients)
            result[band.start - rows.start : band.stop - rows.start] = _bounded(part)
        return result

    def _at_half_size(self, rows: slice) -> tuple[Planes, Planes, Planes]:
        """The exposures, the picture fused so far and the coefficients of full size's bands, at half size."""
        if self._finest == 1:
            around = seen(rows, self._height // 2)
            half = Planes(around.start, self._half(around), self._height // 2)
            known = self._network(rows, Rows(half.start, torch.from_numpy(half.planes)[None]))
            so_far, wanted = (Planes(rows.start, _array(part), half.height) for part in known)
            return half, so_far, wanted
        cut = coarser(rows, self._height // 4)
        quarter = Planes(0, self._quarter, self._height // 4)
        so_far, coarse = (Planes(cut.start, _array(part), quarter.height) for part in self._network(cut))
        half = Planes(rows.start, self._half(rows), self._height // 2)
        picture, enlarged = _finer(rows, list(half.planes), quarter, so_far, coarse)
        return half, Planes(rows.start, picture[None], half.height), Planes(rows.start, enlarged, half.height)

    def _shrink(self, rows: slice) -> None:
        for band in bands(slice(rows.start // 2, rows.stop // 2), self._width // 2):
            for frame, quarter in zip(self._half(band), self._quarter, strict=True):
                quarter[band.start // 2 : band.stop // 2] = _halved(frame)

    def _half(self, rows: slice) -> NDArray[np.float32]:
        """The exposures' luma at half size, (K, H, W): these rows of it."""
        halves = np.empty((len(self._frames), rows.stop - rows.start, self._width // 2), np.float32)
        for band in bands(rows, self._width // 2):
            for frame, half in zip(self._frames, halves, strict=True):
                half[band.start - rows.start : band.stop - rows.start] = _halved(self._padded(frame, band))
        return halves

    def _padded(self, frame: Image, half: slice) -> Float:
        """The luma that these rows of half size come from; beyond the picture its edge goes on."""
        height, width, _ = frame.shape
        start = min(2 * half.start, height - 1)
        y = luma_plane(frame[start : max(min(2 * half.stop, height), start + 1)])
        missing = 2 * (half.stop - half.start) - len(y)
        return np.asarray(cv2.copyMakeBorder(y, 0, missing, 0, self._width - width, cv2.BORDER_REPLICATE), np.float32)


@dataclass(frozen=True)
class Planes:
    """Some rows, from `start` on, of planes (N, H, W) whose picture has `height` rows."""

    start: int
    planes: NDArray[np.float32]
    height: int

    def doubled(self, index: int, rows: slice) -> Float:
        """These rows of one plane of the picture twice as large."""
        cut = coarser(rows, self.height)
        plane = self.planes[index, cut.start - self.start : cut.stop - self.start]
        large = np.asarray(cv2.resize(plane, None, fx=2, fy=2, interpolation=cv2.INTER_LINEAR), np.float32)
        return large[rows.start - 2 * cut.start : rows.stop - 2 * cut.start]


def _finer(
    rows: slice, lumas: Sequence[Float], coarse: Planes, fused: Planes, coefficients: Planes
) -> tuple[Float, NDArray[np.float32]]:
    """The picture fused so far with the next bands, and their coefficients: these rows, twice as large."""
    width = lumas[0].shape[1]
    picture = np.ascontiguousarray(fused.doubled(0, rows)[:, :width])
    enlarged = np.empty((len(lumas), *picture.shape), np.float32)
    for index, luma in enumerate(lumas):
        enlarged[index] = coefficients.doubled(index, rows)[:, :width]
        band = luma - coarse.doubled(index, rows)[:, :width]
        band *= enlarged[index]
        picture += band
    return picture, enlarged


def _halved(plane: Float) -> Float:
    height, width = plane.shape
    return np.asarray(cv2.resize(plane, (width // 2, height // 2), interpolation=cv2.INTER_AREA), np.float32)


def _bounded(y: Float) -> Float:
    """What the network's own shoulder does, in place."""
    for outside, sign, offset in ((y < MARGIN, 1, 0), (y > 1 - MARGIN, -1, 1)):
        if outside.any():
            y[outside] = offset + sign * MARGIN * np.exp((y[outside] - offset) * (sign / MARGIN) - 1)
    return y


def _array(planes: Tensor) -> NDArray[np.float32]:
    return planes[0].cpu().numpy()
