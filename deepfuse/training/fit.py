"""Train a network on patches: fit(model, train, val) → History; a killed fit goes on where it was."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Adam
from torch.optim.lr_scheduler import LambdaLR

from deepfuse.errors import DeepfuseError
from deepfuse.model import Network
from deepfuse.model.quality import Quality
from deepfuse.training.history import Epoch, History, restore, save, show
from deepfuse.training.learning import learned, scored
from deepfuse.training.loader import Batch, Loader
from deepfuse.training.mixing import Mixture
from deepfuse.training.patch_set import PatchSet
from deepfuse.training.recorded import Work, recorded
from deepfuse.training.settings import Settings
from deepfuse.training.team import ALONE, Team

WARM_UP_STEPS = 100  # in the first steps Adam divides by what it has hardly measured
LARGEST_GRADIENT = 1.0  # of the norm: one odd patch must not undo many steps
VALIDATED = 4  # times fewer patches than an epoch may have are validated on
EPOCH_STRIDE = 1_000_003  # a prime above any seed in use: no epoch repeats the order of another training's


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
    optimizer = Adam(model.parameters(), lr=settings.learning_rate, fused=device.type == "cuda")
    schedule = LambdaLR(optimizer, partial(_rate, steps=settings.epochs * len(train_loader)))
    state: dict[str, Any] = {"model": model, "optimizer": optimizer, "schedule": schedule}
    history = restore(checkpoint, state)
    if team.leads:
        show(checkpoint, history)
    learn = recorded(partial(learned, team.wrap(model), settings), device, team)
    score = recorded(partial(scored, model, settings), device, team)
    for epoch in range(len(history) + 1, settings.epochs + 1):
        rate = optimizer.param_groups[0]["lr"]
        batches = train_loader.batches(settings.seed + EPOCH_STRIDE * epoch)
        model.train()
        loss = _train_epoch(learn, model.qualities, batches, optimizer, schedule, settings.seed, epoch, on_batch)
        model.eval()
        validated = _validate(score, model.qualities[0], val_loader.batches(settings.seed))
        history = (*history, Epoch(epoch, rate, loss, validated, team.size))
        if team.leads:
            save(checkpoint, state, history)
    return history


def step(learn: Work, batch: Batch, optimizer: Adam, quality: Quality = "best") -> Tensor:
    """One update of the weights by what `learned` finds from a batch of the loader; the loss, still on the device."""
    loss, *gradients = learn(batch, quality)
    [group] = optimizer.param_groups
    for weight, gradient in zip(group["params"], gradients, strict=True):
        weight.grad = gradient
    nn.utils.clip_grad_norm_(group["params"], LARGEST_GRADIENT)
    optimizer.step()
    return cast(Tensor, loss)


def _rate(step: int, *, steps: int) -> float:
    """The learning rate after so many steps, as a share of the highest."""
    warm_up = max(1, min(WARM_UP_STEPS, steps // 10))
    return min(1.0, (step + 1) / warm_up) * 0.5 * (1 + math.cos(math.pi * step / steps))


def _train_epoch(
    learn: Work,
    qualities: Sequence[Quality],
    batches: Iterator[Batch],
    optimizer: Adam,
    schedule: LambdaLR,
    seed: int,
    epoch: int,
    on_batch: Callable[[int, int], None],
) -> float:
    total, patches = torch.zeros(()), 0
    rng = np.random.default_rng([seed, epoch])
    for batch in batches:
        quality = qualities[int(rng.integers(len(qualities)))]
        turned = batch._replace(frames=_turned(batch.frames, int(rng.integers(8))))
        total = step(learn, turned, optimizer, quality) * batch.part.patches + total
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


def _validate(score: Work, quality: Quality, batches: Iterator[Batch]) -> float | None:
    total, patches = torch.zeros(()), 0
    with torch.inference_mode():
        for batch in batches:
            [loss] = cast(Sequence[Tensor], score(batch, quality))
            total = loss * batch.part.patches + total
            patches += batch.part.patches
    return 1 - float(total) / patches if patches else None


def _device(network: nn.Module) -> torch.device:
    return next(network.parameters()).device
