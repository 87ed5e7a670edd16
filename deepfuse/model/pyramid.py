"""The default network: Mertens' pyramid blending, with the weights and the gains of every level learned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deepfuse.model.level import COARSEST, WIDTHS, Known, Level, bounded, finer
from deepfuse.model.network import Network, fusing_copy
from deepfuse.model.pyramid_rows import PyramidRows
from deepfuse.model.quality import Quality
from deepfuse.model.resampling import halve
from deepfuse.model.rows import Exposures, FewRows, Rows
from deepfuse.threads import Run

FINEST: dict[Quality, int] = {"fast": 2, "best": 1}  # the last level that the network computes


class PyramidNet(Network):
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
    qualities = ("fast", "best")

    def __init__(self) -> None:
        super().__init__()
        self.levels = nn.ModuleDict({str(index): Level(index) for index in WIDTHS})

    def fuse(self, luma: Tensor, quality: Quality, means: Tensor | None) -> Tensor:
        """Fused luma (N, 1, H, W) from 0 to 1 of the exposures' luma (N, K, H, W) from 0 to 1, in any order."""
        finest, grid = FINEST[quality], 2**COARSEST
        height, width = luma.shape[2:]
        pyramid = [F.pad(luma, (0, -width % grid, 0, -height % grid), mode="replicate")]
        for _ in range(COARSEST):
            pyramid.append(halve(pyramid[-1]))
        exposures, whole = [Rows(0, planes) for planes in pyramid], [slice(0, planes.shape[2]) for planes in pyramid]
        means = pyramid[-1].mean((2, 3)) if means is None else means
        known: Known | None = None
        for index in range(COARSEST, finest - 1, -1):
            coarse = exposures[index + 1] if index < COARSEST else means
            known = cast(Known, self.levels[str(index)](whole[index], exposures[index], coarse, known))
        known = cast(Known, known)
        fused, k = known.fused, luma.shape[1]
        coefficients = [known.coefficients.plane(index) for index in range(k)]
        for index in range(finest - 1, -1, -1):
            lumas = pyramid[index].chunk(k, 1)
            picture, enlarged = finer(whole[index], lumas, exposures[index + 1], fused, coefficients)
            fused, coefficients = Rows(0, picture), [Rows(0, plane) for plane in enlarged]
        return bounded(fused.planes)[..., :height, :width]

    def by_rows(
        self, exposures: Exposures, quality: Quality, *, dtype: torch.dtype, strips: Sequence[slice], run: Run
    ) -> FewRows:
        """By strips: only small levels are computed whole, and no plane of full size is kept."""
        levels = fusing_copy(self.levels, dtype)
        by_index = {int(index): cast(Level, level) for index, level in levels.items()}
        return PyramidRows(by_index, exposures, finest=FINEST[quality], run=run, strips=strips)
