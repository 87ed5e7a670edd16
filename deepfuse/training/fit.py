"""Train a network on patches: fit(model, train, val) → History; a killed fit goes on where it was."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Adam
from torch.optim.lr_scheduler import LambdaLR

from deepfuse.errors import DeepfuseError
from deepfuse.model import Network
from deepfuse.model.quality import Quality
from deepfuse.training.history import Epoch, History, restore, save, show
from deepfuse.training.loader import Batch, Loader
from deepfuse.training.losses import MEFSSIMLoss, halo_error, luminance_error
from deepfuse.training.mixing import Mixture
from deepfuse.training.patch_set import PatchSet
from deepfuse.training.team import ALONE, Team

WARM_UP_STEPS = 100  # in the first steps Adam divides by what it has hardly measured
LARGEST_GRADIENT = 1.0  # of the norm: one odd patch must not undo many steps
VALIDATED = 4  # times fewer patches than an epoch may have are validated on
EPOCH_STRIDE = 1_000_003  # a prime above any seed in use: no epoch repeats the order of another training's


@dataclass(frozen=True)
class Settings:
    """How to train, whatever the number of processes: `batch_size` is of all together.

    `precision` is float32 or bf16: autocast for the network, the loss stays in float32.
    """

    seed: int
    epochs: int
    batch_size: int
    learning_rate: float
    loss_scales: int
    luminance_weight: float
    halo_weight: float
    precision: str
    replay: float = 0.0  # share of the batches that earlier patches have
    patches: int | None = None  # of an epoch at most; of validation a quarter; `None` for all


def fit(
    model: Network,
    train: PatchSet,
    val: PatchSet,
    *,
    settings: Settings,
    checkpoint: Path,
    replay: PatchSet | None = None,
    on_batch: Callable[[int, int], None] = lambda epoch, patches: None,
    team: Team = ALONE,
) -> History:
    """Train `model` in place with Adam under a cosine that takes the learning rate to zero, after a short warm-up.

    Each step trains one of the qualities that the network has, at random: levels that serve
    several learn for all of them. Teams of any size take the same steps, but for rounding.

    Args:
        model: on the device to train on.
        train: training patches.
        val: validation patches, possibly none.
        settings: how to train.
        checkpoint: written after every epoch, with history.csv beside it for all to see; where it exists, training
            goes on after its last epoch, and on one machine's CPU ends with the very weights of an undisturbed run.
        replay: earlier patches, of which `settings.replay` says how many there are among the others.
        on_batch: called after every batch with the epoch, from 1, and the patches in it.
        team: the processes that train the same network together; each calls this function with the same arguments.

    Returns:
        One entry per epoch.

    Raises:
        DeepfuseError: no training patch, more processes than patches in a batch, or the loss is no longer finite.

    >>> from tempfile import TemporaryDirectory
    >>> from deepfuse.model import build_model
    >>> from deepfuse.training.patches import Selection, cut_patches, write_patches
    >>> noise = np.random.default_rng(0).integers(20, 230, (64, 64), np.uint8)
    >>> patches = cut_patches("scene_00", [noise // 4, noise], [8.0, 6.0], Selection(16, 4, 2, 1, 0.5))
    >>> settings = Settings(0, 2, 4, 1e-3, loss_scales=1, luminance_weight=1.0, halo_weight=0.1, precision="float32")
    >>> with TemporaryDirectory() as folder:
    ...     write_patches(Path(folder) / "scene_00.parquet", patches)
    ...     checkpoint = Path(folder) / "epoch.pt"
    ...     model, train = build_model("pyramid"), PatchSet(Path(folder))
    ...     [epoch.epoch for epoch in fit(model, train, train, settings=settings, checkpoint=checkpoint)]
    [1, 2]
    """
    if len(train) == 0:
        raise DeepfuseError(f"{train.path}: expected training patches, got none")
    if team.size > settings.batch_size:
        raise DeepfuseError(
            f"batch_size: expected a patch for each of {team.size} processes, got {settings.batch_size}"
        )
    device = _device(model)
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload] # a memory format alone is enough
    own = Loader(train, settings.batch_size, device, team, most=settings.patches)
    val_loader = Loader(val, settings.batch_size, device, team, most=settings.patches and settings.patches // VALIDATED)
    train_loader = Mixture(own, Loader(replay, settings.batch_size, device, team), settings.replay) if replay else own
    optimizer = Adam(model.parameters(), lr=settings.learning_rate)
    schedule = LambdaLR(optimizer, partial(_rate, steps=settings.epochs * len(train_loader)))
    state: dict[str, Any] = {"model": model, "optimizer": optimizer, "schedule": schedule}
    history = restore(checkpoint, state)
    if team.leads:
        show(checkpoint, history)
    network = team.wrap(model)
    for epoch in range(len(history) + 1, settings.epochs + 1):
        rate = optimizer.param_groups[0]["lr"]
        batches = train_loader.batches(settings.seed + EPOCH_STRIDE * epoch)
        loss = _train_epoch(network, model.qualities, batches, optimizer, schedule, settings, epoch, on_batch)
        history = (*history, Epoch(epoch, rate, loss, _validate(model, val_loader, settings), team.size))
        if team.leads:
            save(checkpoint, state, history)
    return history


def step(network: nn.Module, batch: Batch, optimizer: Adam, settings: Settings, quality: Quality = "best") -> Tensor:
    """One update of the network, as a team wraps it, on a batch of the loader; the loss, still on the device."""
    frames, means, part = batch
    fused = _forward(network, batch, settings, quality)
    loss: Tensor = MEFSSIMLoss(settings.loss_scales)(frames, fused, part)
    if settings.luminance_weight:
        loss = loss + settings.luminance_weight * luminance_error(frames, fused, means, part)
    if settings.halo_weight:
        loss = loss + settings.halo_weight * halo_error(frames, fused, part)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call] # torch declares no types here
    nn.utils.clip_grad_norm_(network.parameters(), LARGEST_GRADIENT)
    optimizer.step()
    return loss.detach()


def _rate(step: int, *, steps: int) -> float:
    """The learning rate after so many steps, as a share of the highest."""
    warm_up = max(1, min(WARM_UP_STEPS, steps // 10))
    return min(1.0, (step + 1) / warm_up) * 0.5 * (1 + math.cos(math.pi * step / steps))


def _train_epoch(
    network: nn.Module,
    qualities: Sequence[Quality],
    batches: Iterator[Batch],
    optimizer: Adam,
    schedule: LambdaLR,
    settings: Settings,
    epoch: int,
    on_batch: Callable[[int, int], None],
) -> float:
    network.train()
    total, patches = torch.zeros((), device=_device(network)), 0
    rng = np.random.default_rng([settings.seed, epoch])
    for batch in batches:
        quality = qualities[int(rng.integers(len(qualities)))]
        turned = batch._replace(frames=_turned(batch.frames, int(rng.integers(8))))
        total += step(network, turned, optimizer, settings, quality) * batch.part.patches
        schedule.step()
        patches += batch.part.patches
        on_batch(epoch, batch.part.patches)
    mean = float(total) / patches
    if not math.isfinite(mean):
        raise DeepfuseError(f"epoch {epoch}: expected a finite loss, got {mean}; try a lower train.learning_rate")
    return mean


def _turned(frames: Tensor, which: int) -> Tensor:
    """One of the eight ways to turn and mirror a picture."""
    turned = torch.rot90(frames, which % 4, (2, 3))
    return (turned.flip(3) if which >= 4 else turned).contiguous()


def _validate(model: Network, loader: Loader, settings: Settings) -> float | None:
    mef_ssim_loss = MEFSSIMLoss(settings.loss_scales)
    model.eval()
    total, patches = torch.zeros((), device=_device(model)), 0
    with torch.inference_mode():
        for batch in loader.batches(settings.seed):
            fused = _forward(model, batch, settings, model.qualities[0])
            total += mef_ssim_loss(batch.frames, fused, batch.part) * batch.part.patches
            patches += batch.part.patches
    return 1 - float(total) / patches if patches else None


def _forward(network: nn.Module, batch: Batch, settings: Settings, quality: Quality) -> Tensor:
    bf16 = settings.precision == "bf16"
    with torch.autocast(batch.frames.device.type, torch.bfloat16) if bf16 else nullcontext():
        fused: Tensor = network(batch.frames, quality, batch.means)
    return fused.float()


def _device(network: nn.Module) -> torch.device:
    return next(network.parameters()).device
