"""The pyramid network over some rows of a large picture: each level computes what the next one needs, no more."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor

from deepfuse.model.pyramid import (
    BAND_SCALE,
    COARSEST,
    LARGEST_GAIN_LOG,
    SHARPNESS,
    Level,
    PyramidNet,
    double,
    halve,
)

KEPT = 2  # the pyramid is kept whole from this level on, a quarter of the size
WHOLE = 5  # from this level on the network computes the whole picture at once
VIEW_PX = 2  # what two convolutions see around
BLOCK_PX = 4  # of contrast


@dataclass(frozen=True)
class Rows:
    """Some rows of planes (..., H, W): those from `start` on."""

    start: int
    planes: Tensor

    @property
    def stop(self) -> int:
        """The row behind the last."""
        return self.start + self.planes.shape[-2]

    def cut(self, rows: slice) -> Tensor:
        """These rows of the picture."""
        return self.planes[..., rows.start - self.start : rows.stop - self.start, :]

    def doubled(self, rows: slice) -> Tensor:
        """These rows of the picture twice as large."""
        coarse = coarser(rows, self.stop)
        return _doubled(self.cut(coarse))[..., rows.start - 2 * coarse.start : rows.stop - 2 * coarse.start, :]


def coarser(rows: slice, height: int) -> slice:
    """The rows of the picture half as large, of that height, which enlarged decide on these rows."""
    return slice(max(rows.start // 2 - 1, 0), min((rows.stop + 1) // 2 + 1, height))


def grown(rows: slice, by: int, height: int, *, block: int = 1) -> slice:
    """More rows on both sides, as many as there are, their ends on blocks."""
    start, stop = max(rows.start - by, 0), min(rows.stop + by, height)
    return slice(start - start % block, min(stop + -stop % block, height))


def seen(rows: slice, height: int) -> slice:
    """The rows of the exposures that a level's network needs, itself at these rows."""
    return grown(rows, VIEW_PX + BLOCK_PX, height, block=BLOCK_PX)


def precision(device: torch.device) -> torch.dtype:
    """bfloat16 where the processor multiplies in it, else float32."""
    processor = torch.cpu.get_capabilities() if device.type == "cpu" else {}
    return torch.bfloat16 if processor.get("avx512_bf16") or processor.get("amx_bf16") else torch.float32


class RowByRow:
    """A pyramid network on one picture.

    Args:
        model: the network.
        kept: the exposures at a quarter of the size, (1, K, H/4, W/4) from 0 to 1, where H and W are multiples of 64.
        finest: the last level that the network computes: 1 is half the size.
        dtype: what the convolutions multiply in; `precision` of the device if `None`.
    """

    def __init__(self, model: PyramidNet, kept: Tensor, *, finest: int, dtype: torch.dtype | None = None) -> None:
        self._device = next(model.parameters()).device
        self._dtype = dtype or precision(self._device)
        levels = copy.deepcopy(model.levels).to(self._dtype)
        levels.to(memory_format=torch.channels_last)  # type: ignore[call-overload] # untyped
        self._levels = {int(index): cast(Level, level) for index, level in levels.items()}
        self._finest = finest
        self._pyramid = {KEPT: Rows(0, kept.to(self._device))}
        for index in range(KEPT, COARSEST):
            self._pyramid[index + 1] = Rows(0, halve(self._pyramid[index].planes))
        self._overview: tuple[Rows, ...] = ()
        for index in range(COARSEST, WHOLE - 1, -1):
            self._overview = self._level(index, slice(0, self._pyramid[index].stop), self._overview)[:2]

    def __call__(self, rows: slice, half: Rows | None = None) -> tuple[Tensor, Tensor]:
        """The fused luma (1, 1, H, W) and the coefficients of the bands (1, K, H, W) at these rows of the finest level.

        Args:
            rows: which, at the finest level's size.
            half: the exposures at half size, (1, K, H, W): the rows `seen`; needed if the finest level is 1.
        """
        wanted, exposures = {self._finest: rows}, dict(self._pyramid)
        if half is not None:
            exposures[1] = Rows(half.start, half.planes.to(self._device))
        for index in range(self._finest, WHOLE - 1):
            height = self._pyramid[index + 1].stop
            wanted[index + 1] = coarser(grown(wanted[index], VIEW_PX, 2 * height), height)
        known = self._overview
        for index in range(WHOLE - 1, self._finest - 1, -1):
            fused, state, coefficients = self._level(index, wanted[index], known, exposures)
            known = fused, state
        return fused.planes, coefficients.planes

    def _level(
        self, index: int, rows: slice, known: tuple[Rows, ...], exposures: dict[int, Rows] | None = None
    ) -> tuple[Rows, Rows, Rows]:
        """What `Level.forward` does, for some rows of one picture: fused luma, state and coefficients."""
        level, exposures = self._levels[index], exposures or self._pyramid
        height = 2 * exposures[index + 1].stop if index < COARSEST else exposures[index].stop
        wide, inner = grown(rows, VIEW_PX, height), slice(rows.start, rows.stop)
        luma = exposures[index].cut(wide)  # (1, K, H, W)
        band = luma - (exposures[index + 1].doubled(wide) if index < COARSEST else 0.5)
        so_far = known[0].doubled(wide) if known else _total(luma) / luma.shape[1]
        around = seen(rows, height)
        contrast, mean = (
            Rows(around.start, part).cut(wide) for part in level.contrast(exposures[index].cut(around), _doubled)
        )
        planes = [luma - 0.5, BAND_SCALE * band, contrast, mean, (so_far - 0.5).expand_as(luma)]
        x = level.look(torch.stack(planes, -1).to(self._dtype)[0].movedim(-1, 1))  # (K, C, H, W), channels last
        if level.recall is not None and known:
            state = known[1]
            cut = coarser(wide, state.stop)
            x += Rows(cut.start, level.recall(state.cut(cut))).doubled(wide)
        x = x.relu_()
        together = level.others(_total(x[None])[0])
        x = level.own(x).add_(together, alpha=1 / len(x)).relu_()
        x = Rows(wide.start, level.decide(x).relu_()).cut(inner)  # (K, C, rows, W)
        preference, gain = level.head(x).float().movedim(1, 0).contiguous()[:, None]  # (1, K, rows, W) each
        weight = (preference - preference.amax(1, keepdim=True)).mul_(SHARPNESS).exp_()
        weight /= _total(weight)
        part = Rows(wide.start, luma).cut(inner)
        if index < COARSEST:
            weight *= gain.tanh_().mul_(LARGEST_GAIN_LOG).exp_()
            part = Rows(wide.start, band).cut(inner)
        fused = _total(weight * part)
        if index < COARSEST:
            fused += Rows(wide.start, so_far).cut(inner)
        return Rows(rows.start, fused), Rows(rows.start, x), Rows(rows.start, weight)


def _doubled(planes: Tensor) -> Tensor:
    """What `F.interpolate` does; in float32 its last bit depends on how many pixels there are, here it does not."""
    if planes.dtype != torch.float32:
        return double(planes)
    for axis in (2, 3):
        size = planes.shape[axis]
        before, after = (planes.narrow(axis, start, size - 1) for start in (0, 1))
        first, last = planes.narrow(axis, 0, 1), planes.narrow(axis, size - 1, 1)
        near = 0.75 * planes
        left = torch.cat([first, before], axis).mul_(0.25).add_(near)
        right = torch.cat([after, last], axis).mul_(0.25).add_(near)
        planes = torch.stack([left, right], axis + 1).flatten(axis, axis + 1)
    return planes


def _total(planes: Tensor) -> Tensor:
    """The sum over exposures, always in the same order: that of `Tensor.sum` depends on how many pixels there are."""
    first, *others = planes.unbind(1)
    for other in others:
        first = first + other
    return first[:, None]
