"""The default network: Mertens' pyramid blending, with the weights and the gains of every level learned."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deepfuse.model.quality import Quality, check_quality

WIDTHS = {1: 16, 2: 24, 3: 32, 4: 32, 5: 32, 6: 32}  # channels of each level that has a network; level 0 is full size
COARSEST = max(WIDTHS)
FINEST: dict[Quality, int] = {"fast": 2, "best": 1}  # the last level that the network computes
CONTRAST_HALVINGS = 2  # contrast is taken over blocks of 4 × 4
BLACK = 1 / 255
BAND_SCALE = 4.0
SHARPNESS = 4.0
LARGEST_GAIN_LOG = 2.0
MARGIN = 0.05


class PyramidNet(nn.Module):
    """A learned exposure fusion: 67 k weights, any number of exposures in any order, a wide field of view.

    What it changes of the paper's network, and why:

    - It fuses the bands of a Laplacian pyramid, as Mertens, Kautz and Van Reeth ("Exposure Fusion", 2007) do, so it
      cannot invent content; what it learns is how much of each exposure enters each band at each place: weights that
      add up to one, and a gain for each exposure, which compresses what would not fit and restores what averaging
      flattens. The paper's network sees 25 pixels, and draws large regions grey.
    - It works from the coarsest level to half size, or in quality "fast" to a quarter of the size. Each level sees the
      exposures, their bands and local contrast, the picture fused so far, and what the coarser level saw; so it knows
      where a halo would begin. Finer levels take the coefficients of the last one, enlarged: at full size, a network of
      its own would cost three quarters of the time and change MEF-SSIM by 0.0001.
    - Exposures meet by their mean and by weights relative to each other: K in any order give the same picture.
    - The output is bounded to 0..1 by a fixed soft shoulder, never by a stretch that depends on the picture.
    - Edges are continued, not filled with zeros, so borders look like the middle.
    """

    arch = "pyramid"
    chroma: Literal["exposed"] = "exposed"
    qualities: tuple[Quality, ...] = ("fast", "best")
    grid_px = 2**COARSEST

    def __init__(self) -> None:
        super().__init__()
        self.levels = nn.ModuleDict({str(index): Level(index) for index in WIDTHS})

    def forward(self, luma: Tensor, quality: Quality = "best") -> Tensor:
        """Fused luma (N, 1, H, W) from 0 to 1 of the exposures' luma (N, K, H, W) from 0 to 1, in any order."""
        check_quality(quality, self.arch, self.qualities)
        finest = FINEST[quality]
        height, width = luma.shape[2:]
        luma = F.pad(luma, (0, -width % self.grid_px, 0, -height % self.grid_px), mode="replicate")
        pyramid = [luma]
        for _ in range(COARSEST):
            pyramid.append(halve(pyramid[-1]))
        known: tuple[Tensor, ...] = ()
        for index in range(COARSEST, finest - 1, -1):
            known = self.levels[str(index)](pyramid[index], *pyramid[index + 1 : index + 2], *known[:2])
        fused, _, coefficients = known
        for index in range(finest - 1, -1, -1):
            coefficients, band = double(coefficients), pyramid[index] - double(pyramid[index + 1])
            fused = double(fused) + (coefficients * band).sum(1, keepdim=True)
        return _bounded(fused)[..., :height, :width]


class Level(nn.Module):
    """The network of one level of the pyramid; `index` 0 would be full size."""

    def __init__(self, index: int) -> None:
        super().__init__()
        width = WIDTHS[index]
        self.index = index
        self.look = _convolution(5, width)
        self.recall = None if index == COARSEST else nn.Conv2d(WIDTHS[index + 1], width, 1, bias=False)
        self.own = nn.Conv2d(width, width, 1)
        self.others = nn.Conv2d(width, width, 1, bias=False)
        self.decide = _convolution(width, width)
        self.head = nn.Conv2d(width, 2, 1)
        nn.init.zeros_(self.head.weight)  # training starts at the plain average
        nn.init.zeros_(self.head.bias)  # type: ignore[arg-type] # it has one

    def forward(
        self, luma: Tensor, coarser: Tensor | None = None, fused: Tensor | None = None, state: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Refine the fused picture by one level.

        Args:
            luma: the exposures at this level, (N, K, H, W).
            coarser: the exposures at the next one, (N, K, H/2, W/2); `None` at the coarsest, like the others.
            fused: the picture fused so far, (N, 1, H/2, W/2).
            state: what the coarser level knows, (N·K, C, H/2, W/2).

        Returns:
            The fused picture (N, 1, H, W), the state (N·K, C, H, W) and the bands' coefficients (N, K, H, W) of this
            level.
        """
        n, k, h, w = luma.shape
        band = luma - (0.5 if coarser is None else double(coarser))
        so_far = luma.mean(1, keepdim=True) if fused is None else double(fused)
        seen = [luma - 0.5, BAND_SCALE * band, *self.contrast(luma), (so_far - 0.5).expand_as(luma)]
        x = self.look(torch.stack(seen, 2).view(n * k, 5, h, w))  # (N·K, C, H, W)
        if self.recall is not None and state is not None:
            x.add_(double(self.recall(state)))
        F.relu_(x)
        together = self.others(x.view(n, k, -1, h, w).mean(1))  # (N, C, H, W)
        x = F.relu_(self.own(x).view(n, k, -1, h, w).add_(together[:, None]))
        x = F.relu_(self.decide(x.view(n * k, -1, h, w)))
        preference, gain = self.head(x).float().view(n, k, 2, h, w).unbind(2)  # (N, K, H, W) each
        weight = torch.softmax(SHARPNESS * preference, 1)
        if coarser is None:
            return (weight * luma).sum(1, keepdim=True), x, weight
        weight = weight * torch.exp(LARGEST_GAIN_LOG * torch.tanh(gain))
        return so_far + (weight * band).sum(1, keepdim=True), x, weight

    def contrast(self, luma: Tensor, enlarge: Callable[[Tensor], Tensor] | None = None) -> tuple[Tensor, Tensor]:
        """Local contrast, as the logarithm of the standard deviation from 0 to about 1, and the local mean.

        Both are (N, K, H, W), like `luma`; `enlarge` does what `double` does.
        """
        halvings = min(CONTRAST_HALVINGS, COARSEST - self.index)
        mean, square = luma, luma.square()
        for _ in range(halvings):
            mean, square = halve(mean), halve(square)
        deviation = torch.log2((square - mean.square()).clamp(min=0) + BLACK**2) / 16 + 1
        both = torch.cat([deviation, mean - 0.5], 1)
        for _ in range(halvings):
            both = (enlarge or double)(both)
        contrast, surrounding = both.chunk(2, 1)
        return contrast, surrounding


def halve(x: Tensor) -> Tensor:
    """Planes (N, C, H, W) at half the size, by means of 2 × 2."""
    return F.avg_pool2d(x, 2)


def double(x: Tensor) -> Tensor:
    """Planes (N, C, H, W) at twice the size, bilinear."""
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


def _convolution(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode="replicate")


def _bounded(x: Tensor) -> Tensor:
    """`x` as it is from 0.05 to 0.95, bent smoothly towards 0 and 1 beyond."""
    low = MARGIN * torch.exp((x / MARGIN - 1).clamp(max=0))
    high = 1 - MARGIN * torch.exp(((1 - x) / MARGIN - 1).clamp(max=0))
    return torch.where(x < MARGIN, low, torch.where(x > 1 - MARGIN, high, x))
