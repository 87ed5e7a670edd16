"""What every network of the table offers, and the copy of it that fuses."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import ClassVar, Literal, TypeVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from deepfuse.model.quality import Quality, check_quality
from deepfuse.model.rows import Exposures, FewRows, Luma
from deepfuse.threads import Run

Chroma = Literal["exposed", "saturated"]
Module = TypeVar("Module", bound=nn.Module)

TILE_PX = 512  # side of a tile: the paper's halo of 12 px adds a tenth to it, and an exposure's features take 37 MB


class Network(nn.Module):
    """Luma of several exposures in, one luma out.

    A network of its own is a subclass that says its name, how far it sees and, in `fuse`, what it computes; with that
    it is trained, and fuses pictures of any size by tiles. One that can do better than tiles says so in `by_rows`.

    Attributes:
        arch: its name in params.yaml and in a model's files.
        arithmetic: the version of what it computes of the same weights, in a model's files: one more whenever weights
            of before would give other pictures.
        chroma: how the colours of the exposures are weighted for it: see `deepfuse.fusion.colour`.
        qualities: the ways to use it; the first is what is served.
        halo_px: how far beyond a pixel it looks.
    """

    arch: ClassVar[str]
    arithmetic: ClassVar[int] = 1
    chroma: ClassVar[Chroma] = "exposed"
    qualities: ClassVar[tuple[Quality, ...]] = ("best",)
    halo_px: ClassVar[int] = 0

    def forward(self, luma: Tensor, quality: Quality = "best", means: Tensor | None = None) -> Tensor:
        """The fused luma of a batch.

        Args:
            luma: of K ≥ 2 exposures in any order, (N, K, H, W) from 0 to 1.
            quality: one of `qualities`.
            means: of each exposure's whole picture, (N, K) from 0 to 1, if `luma` is a part of it.

        Returns:
            (N, 1, H, W).

        Raises:
            ValueError: an unknown quality.
            ModelError: a quality that the network does not have.
        """
        check_quality(quality, self.arch, self.qualities)
        return self.fuse(luma, quality, means)

    def fuse(self, luma: Tensor, quality: Quality, means: Tensor | None) -> Tensor:
        """What `forward` returns, for a quality that the network has."""
        raise NotImplementedError

    def by_rows(
        self, exposures: Exposures, quality: Quality, *, dtype: torch.dtype, strips: Sequence[slice], run: Run
    ) -> FewRows:
        """The fused luma of one large picture, at any rows; the same bits whatever the rows.

        Args:
            exposures: of the picture.
            quality: one of `qualities`.
            dtype: what convolutions multiply in.
            strips: rows that will be asked for, their starts on multiples of 64.
            run: `map`, or one that works on strips side by side.
        """
        model = fusing_copy(self, torch.float32)
        device = device_of(model)

        def rows_of(rows: slice) -> Luma:
            fused = np.empty((rows.stop - rows.start, exposures.width), np.float32)
            around = _around(rows, self.halo_px, exposures.height)
            tall = slice(int(around[0]), int(around[-1]) + 1)
            lumas = np.stack([exposures.luma(k, tall) for k in range(exposures.count)])[:, around - tall.start]
            for left in range(0, exposures.width, TILE_PX):
                columns = slice(left, min(left + TILE_PX, exposures.width))
                tile = torch.from_numpy(lumas[:, :, _around(columns, self.halo_px, exposures.width)])[None].to(device)
                with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
                    whole = model(tile, quality)[0, 0].float().cpu().numpy()
                inner = slice(self.halo_px, whole.shape[0] - self.halo_px)
                fused[:, columns] = whole[inner, self.halo_px : whole.shape[1] - self.halo_px]
            return fused

        return rows_of


def device_of(model: nn.Module) -> torch.device:
    """Where the weights of a network are."""
    return next(model.parameters()).device


def fusing_copy(model: Module, dtype: torch.dtype) -> Module:
    """The network with weights in `dtype` as convolutions like them best; made once for the weights that it has."""
    weights = [_identity(weight) for weight in model.parameters()]
    known, kept = model.__dict__.get("_fusing", {}).get(dtype, (None, model))
    if known != weights:
        kept = copy.deepcopy(model).requires_grad_(False).eval().to(dtype)
        kept.to(memory_format=torch.channels_last)  # type: ignore[call-overload] # a memory format alone is enough
        kept.__dict__.pop("_fusing", None)
        model.__dict__.setdefault("_fusing", {})[dtype] = weights, kept
    return cast(Module, kept)


def _identity(weight: Tensor) -> tuple[int, int]:
    """What changes when a weight does: where it lies, and how often it was written to."""
    return weight.data_ptr(), 0 if weight.is_inference() else weight._version


def _around(part: slice, halo_px: int, size: int) -> NDArray[np.intp]:
    """These rows or columns with a halo on both sides, where the picture's edge goes on beyond it."""
    return np.arange(part.start - halo_px, part.stop + halo_px).clip(0, size - 1)
