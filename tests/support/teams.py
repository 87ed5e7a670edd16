"""What processes do that train together in a test, and the same alone."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist

from deepfuse.model import build_model
from deepfuse.params import Params
from deepfuse.stages.train import train_in
from deepfuse.training.contents import about, write_contents
from deepfuse.training.fit import fit
from deepfuse.training.losses import MEFSSIMLoss, halo_error, luminance_error
from deepfuse.training.patch_set import PatchSet
from deepfuse.training.patches import Selection, cut_patches, write_patches
from deepfuse.training.settings import Settings
from deepfuse.training.team import ALONE, WHOLE, Part, Team, joined

CPU = torch.device("cpu")
SIZE = 44
SETS = ("data/patches/train", "data/patches/val", "data/replay")
SETTINGS = Settings(
    seed=1,
    epochs=2,
    batch_size=4,
    learning_rate=1e-3,
    loss_scales=3,
    luminance_weight=2.5,
    halo_weight=0.8,
    precision="float32",
    replay=0.3,
)


def write_sets(folder: Path, count: int = 8) -> None:
    """Few patches, of two and three exposures, in batches that cannot all be divided by two."""
    for part, some in zip(SETS, (count, 3 * count // 8, count // 8), strict=True):
        noise = np.random.default_rng(some).integers(0, 256, (90, 90), np.uint8)
        noise[:, 40:] //= 3
        frames = [noise // 6, noise // 2, noise]
        table = cut_patches(part, frames, [None] * 3, Selection(SIZE, some, 3, 1, 1))
        (folder / part).mkdir(parents=True)
        write_patches(folder / part / "s.parquet", table)
    patches = folder / "data/patches"
    splits = {split: (patches / split).glob("*") for split in ("train", "val")}
    write_contents(patches, {split: {file.name: about(file) for file in files} for split, files in splits.items()})


def train(folder: Path, name: str, team: Team = ALONE, settings: Settings = SETTINGS) -> None:
    """Train on the sets of the folder, going on from `NAME.pt`: `NAME.after` is what there is then, `NAME.first` the
    checkpoint after the first epoch."""
    torch.manual_seed(settings.seed + team.rank)  # the first process's weights count
    model, checkpoint, steps = build_model("pyramid"), folder / f"{name}.pt", []

    def on_batch(epoch: int, patches: int) -> None:
        steps.append((epoch, patches))
        if team.leads and epoch == 2 and not (folder / f"{name}.first").exists():
            shutil.copy(checkpoint, folder / f"{name}.first")

    own, val, replay = (PatchSet(folder / part) for part in SETS)
    history = fit(
        model, own, val, settings=settings, checkpoint=checkpoint, replay=replay, on_batch=on_batch, team=team
    )
    rows = [(epoch.train_loss, epoch.val_mef_ssim, epoch.processes) for epoch in history]
    if team.leads:
        torch.save({"weights": model.state_dict(), "history": rows, "steps": steps}, folder / f"{name}.after")


def losses_of(part: Part = WHOLE) -> tuple[torch.Tensor, torch.Tensor]:
    """The losses of a part of a batch of three, in float64, and the gradient of their sum for the whole batch."""
    rng = torch.Generator().manual_seed(0)
    levels = torch.tensor([0.2, 0.9, 0.5], dtype=torch.float64).view(3, 1, 1, 1)  # three patches of quite another kind
    frames = levels * torch.rand(3, 2, SIZE, SIZE, dtype=torch.float64, generator=rng)
    fused = torch.rand(3, 1, SIZE, SIZE, dtype=torch.float64, generator=rng).requires_grad_()
    own = slice(None) if part is WHOLE else part.rows
    terms = [
        MEFSSIMLoss(3)(frames[own], fused[own], part),
        luminance_error(frames[own], fused[own], frames[own].mean((2, 3)), part),
        halo_error(frames[own], fused[own], part),
    ]
    [gradient] = torch.autograd.grad(sum(terms), fused)
    return torch.stack(terms).detach(), gradient


def work_together(params: Params) -> None:
    """What one of two processes does: what stage `train` does, then trainings of its own; at last one fails while the
    other waits for it."""
    folder = Path.cwd()
    with joined(CPU) as team:
        train_in(team, params, CPU)
        terms, gradient = losses_of(team.part(3))
        dist.all_reduce(gradient)
        if team.leads:
            torch.save((terms, gradient / team.size), folder / "losses.after")
        for name in ("two", "again", "one_then_two"):
            train(folder, name, team)
        if not team.leads:
            raise ValueError("scene 12: expected pixels, got none")
        dist.barrier()
        (folder / "went_on").touch()
