"""The network of the DeepFuse paper."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deepfuse.model.network import Network
from deepfuse.model.quality import Quality

LEAK = 0.01  # of the authors' code


class PaperNet(Network):
    """The network of Prabhakar, Srikar and Babu, "DeepFuse", ICCV 2017, arXiv 1712.07384.

    Two tied convolutions turn each exposure into features, which are added; three more make the fused luma of the
    sum. Where the paper is silent this follows its authors' code: leaky ReLU (0.01) after every layer but the last,
    and zero "same" padding; the weights start so that the output is the plain average, which training improves on. The
    merge of K exposures is their mean times two, which is the paper's sum for K = 2.
    """

    arch = "paper"
    chroma = "saturated"
    halo_px = 12  # zeros beyond the border would darken it, so the picture's edge goes on for the field of view

    def __init__(self) -> None:
        super().__init__()
        self.c1 = nn.Conv2d(1, 16, 5, padding="same")
        self.c2 = nn.Conv2d(16, 32, 7, padding="same")
        self.c3 = nn.Conv2d(32, 32, 7, padding="same")
        self.c4 = nn.Conv2d(32, 16, 5, padding="same")
        self.c5 = nn.Conv2d(16, 1, 5, padding="same")
        self._start_as_average()

    @torch.no_grad()
    def _start_as_average(self) -> None:
        """Kaiming's noise, but for the first channel, which carries the mean of the exposures to the output."""
        layers = (self.c1, self.c2, self.c3, self.c4, self.c5)
        for layer in layers:
            nn.init.kaiming_normal_(layer.weight, LEAK)
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type] # every layer has one
            centre = layer.weight.shape[-1] // 2
            layer.weight[0] = 0
            layer.weight[0, 0, centre, centre] = 0.5 if layer is self.c5 else 1

    def fuse(self, luma: Tensor, quality: Quality, means: Tensor | None) -> Tensor:
        """Fused luma (N, 1, H, W) of the exposures' luma (N, K, H, W) from 0 to 1, in any order; not clipped."""
        n, k, h, w = luma.shape
        x = luma.reshape(n * k, 1, h, w)  # (N·K, 1, H, W): both towers as one batch
        x = F.leaky_relu(self.c1(x), LEAK)  # (N·K, 16, H, W)
        x = F.leaky_relu(self.c2(x), LEAK)  # (N·K, 32, H, W)
        x = 2 * x.view(n, k, 32, h, w).mean(1)  # (N, 32, H, W)
        x = F.leaky_relu(self.c3(x), LEAK)
        x = F.leaky_relu(self.c4(x), LEAK)  # (N, 16, H, W)
        with torch.autocast(x.device.type, enabled=False):  # half precision would leave few levels of grey
            fused: Tensor = self.c5(x.float())  # (N, 1, H, W)
        return fused
