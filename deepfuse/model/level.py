"""The arithmetic of the pyramid network, once: what trains it on whole patches fuses some rows of large pictures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deepfuse.model.resampling import Planes, beside, double, halve, rectified
from deepfuse.model.rows import Rows, coarser, grown

WIDTHS = {1: 16, 2: 24, 3: 32, 4: 32, 5: 32, 6: 32}  # channels of each level that has a network; level 0 is full size
COARSEST = max(WIDTHS)  # 1/64 of the size, where two convolutions see 320 pixels of the picture
VIEW_PX = 2  # what two convolutions see around
CONTRAST_HALVINGS = 2
CONTRAST_PX = 2**CONTRAST_HALVINGS  # contrast is taken over blocks of that side: two convolutions see about as far
BLACK = 1 / 255  # a grey level of 8 bits: deviations below it are noise and look alike
# These scales belong to the weights: with others, the shipped ones fuse another picture.
BAND_SCALE = 4.0  # bands, which are small, enter the network about as large as lumas
SHARPNESS = 4.0  # of the softmax: small preferences already choose among exposures, so weights can stay small
LARGEST_GAIN_LOG = 2.0  # a band is made at most e² ≈ 7 times stronger or weaker
MARGIN = 0.05  # of the range at each end, in which the output bends instead of being clipped


@dataclass(frozen=True)
class Known:
    """Some rows of what a level knows of K exposures.

    Attributes:
        fused: the picture fused so far, (N, 1, H, W).
        coefficients: how much of each exposure's band went into it, (N, K, H, W).
        state: what the next finer level recalls, (N·K, C, H, W).
    """

    fused: Rows[Tensor]
    coefficients: Rows[Tensor]
    state: Rows[Tensor]


class Level(nn.Module):
    """The network of one level of the pyramid; `index` 0 would be full size."""

    def __init__(self, index: int) -> None:
        super().__init__()
        width = WIDTHS[index]
        self.halvings = min(CONTRAST_HALVINGS, COARSEST - index)
        self.look = _convolution(5, width)
        self.recall = None if index == COARSEST else nn.Conv2d(WIDTHS[index + 1], width, 1, bias=False)
        self.own = nn.Conv2d(width, width, 1)
        self.others = nn.Conv2d(width, width, 1, bias=False)
        self.decide = _convolution(width, width)
        self.head = nn.Conv2d(width, 2, 1)
        nn.init.zeros_(self.head.weight)  # training starts at the plain average
        nn.init.zeros_(self.head.bias)  # type: ignore[arg-type] # it has one

    def forward(
        self, rows: slice, luma: Rows[Tensor], coarse: Rows[Tensor] | Tensor, known: Known | None = None
    ) -> Known:
        """Refine the fused picture by one level, at some rows.

        Args:
            rows: which, of the level's size.
            luma: the exposures at this level, (N, K, H, W) from 0 to 1: the rows `seen`.
            coarse: those at the next coarser one, whole; at the coarsest the means of the whole picture, (N, K).
            known: by the next coarser level, at the rows that `needed` names; `None` at the coarsest.
        """
        coarsest = isinstance(coarse, Tensor)
        height = luma.stop if isinstance(coarse, Tensor) else 2 * coarse.stop
        wide, around = grown(rows, VIEW_PX, height), seen(rows, height)
        here = luma.cut(wide)  # (N, K, H, W)
        band = here - (coarse[..., None, None] if isinstance(coarse, Tensor) else coarse.doubled(wide))
        so_far = total(here) / here.shape[1] if known is None else known.fused.doubled(wide)
        contrast = Rows(around.start, self._contrast(luma.cut(around))).cut(wide)  # (N, 2·K, H, W)
        # In one line, so that no large plane outlives its use.
        x = self._meet(self._look(_inputs(here, band, contrast, so_far), wide, known), here.shape[1])  # (N·K, C, H, W)
        coefficients = Rows(wide.start, self._coefficients(x, here.shape[1], gained=not coarsest)).cut(rows)
        part = Rows(wide.start, here if coarsest else band).cut(rows)
        start = 0.0 if coarsest else Rows(wide.start, so_far).cut(rows)
        fused = blend(start, *(planes.chunk(here.shape[1], 1) for planes in (coefficients, part)))
        state = Rows(wide.start, x).cut(rows)
        return Known(Rows(rows.start, fused), Rows(rows.start, coefficients), Rows(rows.start, state))

    def _contrast(self, luma: Tensor) -> Tensor:
        """Local contrast of K exposures, as the logarithm of the deviation from 0 to about 1, then their local mean."""
        mean = _halved(luma, self.halvings)
        spread = F.interpolate(mean, scale_factor=2**self.halvings)
        square = _halved((luma - spread).square(), self.halvings)  # no difference of squares, which rounding decides
        deviation = torch.log2(square + BLACK**2) / 16 + 1
        both = torch.cat([deviation, mean - 0.5], 1)
        for _ in range(self.halvings):
            both = double(both)
        return both

    def _look(self, inputs: Tensor, rows: slice, known: Known | None) -> Tensor:
        """What each exposure shows, beside what the coarser level knew of it."""
        x = F.conv2d(inputs.to(self.look.weight.dtype), self.look.weight, self.look.bias)
        if self.recall is not None and known is not None:
            recalled = coarser(rows, known.state.stop)
            x += Rows(recalled.start, self.recall(known.state.cut(recalled))).doubled(rows)
        return torch.relu_(x)

    def _meet(self, x: Tensor, k: int) -> Tensor:
        """Each exposure beside the mean of all."""
        summed = total(_by_picture(x, k))[:, 0]
        # To spread the bias over each exposure would take as long as the product.
        together = F.conv2d(summed, self.others.weight, k * cast(Tensor, self.own.bias))  # (N, C, H, W)
        x = _by_picture(F.conv2d(x, self.own.weight), k).add_(together[:, None], alpha=1 / k).flatten(0, 1)
        x = rectified(x)
        return torch.relu_(F.conv2d(x, self.decide.weight, self.decide.bias))

    def _coefficients(self, x: Tensor, k: int, *, gained: bool) -> Tensor:
        """How much of each exposure is taken (N, K, H, W): weights that add up to one, and a gain."""
        both = _by_picture(F.conv2d(x, self.head.weight).float(), k).movedim(2, 0)
        preference, gain = both + cast(Tensor, self.head.bias).view(2, 1, 1, 1, 1)
        weight = torch.exp(SHARPNESS * (preference - preference.amax(1, keepdim=True)))
        weight = weight / total(weight)
        return weight * torch.exp(LARGEST_GAIN_LOG * gain.tanh()) if gained else weight


def _halved(planes: Tensor, times: int) -> Tensor:
    for _ in range(times):
        planes = halve(planes)
    return planes


def _inputs(luma: Tensor, band: Tensor, contrast: Tensor, so_far: Tensor) -> Tensor:
    """What a level sees of each exposure, and a pixel more on each side, (N·K, 5, H + 2, W + 2)."""
    return beside([luma - 0.5, BAND_SCALE * band, *contrast.chunk(2, 1), (so_far - 0.5).expand_as(luma)])


def _by_picture(planes: Tensor, k: int) -> Tensor:
    """Planes of N·K exposures as (N, K, C, H, W)."""
    return planes.view(-1, k, *planes.shape[1:])


def seen(rows: slice, height: int) -> slice:
    """The rows of the exposures that a level needs for these rows of its own."""
    return grown(rows, VIEW_PX + CONTRAST_PX, height, block=CONTRAST_PX)


def needed(rows: slice, height: int) -> slice:
    """The rows of the next coarser level, of that height, that a level needs for these rows of its own."""
    return coarser(grown(rows, VIEW_PX, 2 * height), height)


def finer(
    rows: slice,
    lumas: Sequence[Planes],
    coarse: Rows[Planes],
    fused: Rows[Planes],
    coefficients: Sequence[Rows[Planes]],
) -> tuple[Planes, list[Planes]]:
    """The fused picture, and the coefficients of its bands, twice as large, at some rows.

    A level without a network takes the coefficients of the coarser one, enlarged. Where `lumas` are narrower than what
    is enlarged, so is the result.

    Args:
        rows: which, of the finer size.
        lumas: those of each exposure, (..., 1, H, W).
        coarse: the exposures at the coarser size, (..., K, H/2, W/2).
        fused: the picture fused so far at that size, (..., 1, H/2, W/2).
        coefficients: of each exposure, (..., 1, H/2, W/2).
    """
    width = lumas[0].shape[-1]
    enlarged = [plane.doubled(rows)[..., :width] for plane in coefficients]
    bands = (luma - coarse.plane(k).doubled(rows)[..., :width] for k, luma in enumerate(lumas))
    return blend(fused.doubled(rows)[..., :width], enlarged, bands), enlarged


def blend(fused: Planes | float, coefficients: Iterable[Planes], bands: Iterable[Planes]) -> Planes:
    """The fused picture with a share of each exposure's band, one after the other: the order decides the last bit."""
    shares = (coefficient * band for coefficient, band in zip(coefficients, bands, strict=True))
    together = next(shares)
    for share in shares:
        together += share
    together += fused
    return together


def bounded(y: Planes) -> Planes:
    """`y` as it is from 0.05 to 0.95, bent smoothly towards 0 and 1 beyond; an array in place."""
    low, high = y < MARGIN, y > 1 - MARGIN
    if isinstance(y, Tensor):
        return torch.where(low, _bent(y), torch.where(high, 1 - _bent(1 - y), y))
    if low.any():
        y[low] = _bent(y[low])
    if high.any():
        y[high] = 1 - _bent(1 - y[high])
    return y


def _bent(y: Planes) -> Planes:
    """What lies below the margin, so that it nears 0 and never reaches it."""
    x = y * (1 / MARGIN) - 1
    bent: Planes = MARGIN * (torch.exp(x.clamp(max=0)) if isinstance(x, Tensor) else np.exp(x))
    return bent


def total(planes: Tensor) -> Tensor:
    """The sum over exposures (N, K, ...) → (N, 1, ...), one after the other: that of torch depends on the size."""
    first, *others = planes.unbind(1)
    for other in others:
        first = first + other
    return first[:, None]


def _convolution(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3)  # of planes that are a pixel wider on each side
