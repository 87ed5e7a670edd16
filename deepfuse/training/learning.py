"""What a batch tells a network: its loss, and where the weights should go."""

from __future__ import annotations

from contextlib import nullcontext

import torch
from torch import Tensor, nn

from deepfuse.model.quality import Quality
from deepfuse.training.loader import Batch
from deepfuse.training.losses import MEFSSIMLoss, halo_error, luminance_error
from deepfuse.training.settings import Settings


def learned(network: nn.Module, settings: Settings, batch: Batch, quality: Quality) -> list[Tensor | None]:
    """The loss of a batch, then its gradient in each weight of the network; `None` where a quality does not use it."""
    frames, means, part = batch
    fused = _forward(network, batch, settings, quality)
    loss: Tensor = MEFSSIMLoss(settings.loss_scales)(frames, fused, part)
    if settings.luminance_weight:
        loss = loss + settings.luminance_weight * luminance_error(frames, fused, means, part)
    if settings.halo_weight:
        loss = loss + settings.halo_weight * halo_error(frames, fused, part)
    network.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call] # torch declares no types here
    return [loss.detach(), *(weight.grad for weight in network.parameters())]


def scored(network: nn.Module, settings: Settings, batch: Batch, quality: Quality) -> list[Tensor]:
    """The loss of a batch that counts in the end: 1 − MEF-SSIM."""
    fused = _forward(network, batch, settings, quality)
    return [MEFSSIMLoss(settings.loss_scales)(batch.frames, fused, batch.part)]


def _forward(network: nn.Module, batch: Batch, settings: Settings, quality: Quality) -> Tensor:
    bf16 = settings.precision == "bf16"
    with torch.autocast(batch.frames.device.type, torch.bfloat16) if bf16 else nullcontext():
        fused: Tensor = network(batch.frames, quality, batch.means)
    return fused.float()
