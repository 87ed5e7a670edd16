"""Train a network on patches: fit(model, train, val) → History; a killed fit goes on where it was."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.optim import Adam
from torch.optim.lr_scheduler import LambdaLR

from deepfuse.atomic import replacing
from deepfuse.errors import DeepfuseError
from deepfuse.mef_ssim import WINDOW_PX, MEFSSIMLoss
from deepfuse.model import Network
from deepfuse.patches import PatchSet

WELL_EXPOSED, WELL_EXPOSED_SIGMA = 0.5, 0.2
EPOCH_STRIDE = 1_000_003


@dataclass(frozen=True)
class Settings:
    """How to train. `precision` is float32 or bf16: autocast for the network, the loss stays in float32."""

    seed: int
    epochs: int
    batch_size: int
    learning_rate: float
    loss_scales: int
    luminance_weight: float
    precision: str


@dataclass(frozen=True)
class Epoch:
    """One line of the history; MEF-SSIM at the loss's scales, `None` without validation patches."""

    epoch: int
    learning_rate: float
    train_loss: float
    val_mef_ssim: float | None


History = tuple[Epoch, ...]


def fit(
    model: Network,
    train: PatchSet,
    val: PatchSet,
    *,
    settings: Settings,
    checkpoint: Path,
    on_batch: Callable[[int, int], None] = lambda epoch, patches: None,
) -> History:
    """Train `model` in place with Adam under a cosine that takes the learning rate to zero.

    Args:
        model: on the device to train on.
        train: training patches.
        val: validation patches, possibly none.
        settings: how to train.
        checkpoint: written after every epoch; where it exists, training goes on after its last epoch, and on one
            machine's CPU ends with the very weights of an undisturbed run.
        on_batch: called after every batch with the epoch, from 1, and the patches in it.

    Returns:
        One entry per epoch.

    Raises:
        DeepfuseError: no training patch, or the loss is no longer finite.
    """
    if len(train) == 0:
        raise DeepfuseError(f"{train.path}: expected training patches, got none")
    optimizer = Adam(model.parameters(), lr=settings.learning_rate)
    steps = settings.epochs * math.ceil(len(train) / settings.batch_size)
    schedule = LambdaLR(optimizer, lambda step: 0.5 * (1 + math.cos(math.pi * step / steps)))
    state: dict[str, Any] = {"model": model, "optimizer": optimizer, "schedule": schedule}
    history = _restore(checkpoint, state)
    for epoch in range(len(history) + 1, settings.epochs + 1):
        rate = optimizer.param_groups[0]["lr"]
        loss = _train_epoch(model, train, optimizer, schedule, settings, epoch, on_batch)
        history = (*history, Epoch(epoch, rate, loss, _validate(model, val, settings)))
        _save(checkpoint, state, history)
    return history


def luminance_error(frames: Tensor, fused: Tensor) -> Tensor:
    """Mean squared distance of the fused local luminance from the exposures', weighted by how well exposed they are.

    MEF-SSIM is blind to luminance; without this term a network may drift to any grey.

    Args:
        frames: (N, K, H, W) luma from 0 to 1.
        fused: (N, 1, H, W) luma.

    Returns:
        A scalar.

    Source: the well-exposedness of Mertens, Kautz and Van Reeth, "Exposure Fusion", 2007 (σ = 0.2), on 11×11 means.
    """
    local = F.avg_pool2d(frames, WINDOW_PX, stride=1)
    weight = torch.exp(-(local - WELL_EXPOSED).square() / (2 * WELL_EXPOSED_SIGMA**2))
    wanted = (weight * local).sum(1) / weight.sum(1)
    return F.mse_loss(F.avg_pool2d(fused, WINDOW_PX, stride=1)[:, 0], wanted)


def history_csv(history: History) -> str:
    """The history as CSV; an unknown value is an empty cell."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(Epoch.__dataclass_fields__), lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(epoch) for epoch in history)
    return text.getvalue()


def _train_epoch(
    model: Network,
    train: PatchSet,
    optimizer: Adam,
    schedule: LambdaLR,
    settings: Settings,
    epoch: int,
    on_batch: Callable[[int, int], None],
) -> float:
    mef_ssim_loss = MEFSSIMLoss(settings.loss_scales)
    model.train()
    total = torch.zeros((), device=_device(model))
    for frames in _batches(model, train, settings, seed=settings.seed + EPOCH_STRIDE * epoch):
        fused = _forward(model, frames, settings)
        loss = mef_ssim_loss(frames, fused) + settings.luminance_weight * luminance_error(frames, fused)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()
        total += loss.detach() * len(frames)
        on_batch(epoch, len(frames))
    mean = float(total) / len(train)
    if not math.isfinite(mean):
        raise DeepfuseError(f"epoch {epoch}: expected a finite loss, got {mean}; try a lower train.learning_rate")
    return mean


def _validate(model: Network, val: PatchSet, settings: Settings) -> float | None:
    if len(val) == 0:
        return None
    mef_ssim_loss = MEFSSIMLoss(settings.loss_scales)
    model.eval()
    total = torch.zeros((), device=_device(model))
    with torch.inference_mode():
        for frames in _batches(model, val, settings, seed=None):
            total += mef_ssim_loss(frames, _forward(model, frames, settings)) * len(frames)
    return 1 - float(total) / len(val)


def _forward(model: Network, frames: Tensor, settings: Settings) -> Tensor:
    bf16 = settings.precision == "bf16"
    with torch.autocast(frames.device.type, torch.bfloat16) if bf16 else nullcontext():
        fused: Tensor = model(frames)
    return fused.float()


def _batches(model: Network, patches: PatchSet, settings: Settings, *, seed: int | None) -> Iterator[Tensor]:
    device = _device(model)
    for batch in patches.batches(settings.batch_size, seed=seed):
        yield torch.from_numpy(np.ascontiguousarray(batch)).to(device).float() / 255


def _device(model: Network) -> torch.device:
    return next(model.parameters()).device


def _save(path: Path, state: dict[str, Any], history: History) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    saved = {name: part.state_dict() for name, part in state.items()}
    with replacing(path) as temporary:
        torch.save({**saved, "history": [asdict(epoch) for epoch in history]}, temporary)


def _restore(path: Path, state: dict[str, Any]) -> History:
    if not path.exists():
        return ()
    saved = torch.load(path, map_location="cpu", weights_only=True)
    for name, part in state.items():
        part.load_state_dict(saved[name])
    return tuple(Epoch(**epoch) for epoch in saved["history"])
