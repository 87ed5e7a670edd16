"""Stage `train`: patches → weights, where they come from, and the history of their training."""

from __future__ import annotations

import os
import platform
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from deepfuse.errors import ModelError, ParamsError
from deepfuse.files import json_digest, write_json, write_text
from deepfuse.imports import code_of, libraries_of
from deepfuse.model import (
    SHIPPED,
    Network,
    build_model,
    native_precision,
    pick_device,
    read_model,
    weights_sha256,
    write_model,
)
from deepfuse.params import Params, Train, read_params
from deepfuse.training.contents import Contents, patch_digests, read_contents
from deepfuse.training.fit import fit
from deepfuse.training.history import History, history_csv
from deepfuse.training.identity import training_id
from deepfuse.training.launching import together
from deepfuse.training.patch_set import PatchSet
from deepfuse.training.settings import Settings
from deepfuse.training.team import Team, joined, own_device

PATCHES = Path("data/patches")
REPLAY = Path("data/replay")
START = Path("data/start")  # where the loop puts the champion, or what else training is to go on from
OUT = Path("data/model")
METRICS = Path("data/metrics")
CHECKPOINTS = Path(".deepfuse/checkpoints")
KEPT_S = 30 * 24 * 3600


def main() -> None:
    """Train, in this process or in several of which this one starts or is one."""
    params = read_params()
    together(train_together, params, processes=params.train.processes)


def train_together(params: Params) -> None:
    """Train, one of the processes that do, going on from the checkpoint of a run of the same inputs.

    One that ended keeps its checkpoint: if DVC dies before it records the weights, they are written again at once.
    """
    device = own_device(pick_device(params.train.device))
    with joined(device) as team:
        train_in(team, params, device)


def train_in(team: Team, params: Params, device: torch.device) -> None:
    """The work of one process of a team."""
    libraries = params.libraries.installed(*libraries_of("train"))
    settings = settings_of(params.train, precision(params, device))
    contents = read_contents(PATCHES)
    origin = provenance(params, settings, device, contents, libraries)
    checkpoint = CHECKPOINTS / training_id(origin) / "epoch.pt"
    if team.leads:
        forget_unused(CHECKPOINTS)
    train, val = (
        PatchSet(PATCHES / split, {name: file.exposures for name, file in contents[split].items()})
        for split in ("train", "val")
    )

    torch.manual_seed(settings.seed)
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined] # nothing reads it
    model = begun(params, device)
    told = f"train on {device.type}" + (f" × {team.size}" if team.size > 1 else "")
    each = min(len(train), params.train.patches)
    with tqdm(total=settings.epochs * each, desc=told, unit="patch", disable=not team.leads) as bar:

        def show(epoch: int, patches: int) -> None:
            bar.n = max(bar.n, (epoch - 1) * each)
            bar.set_postfix_str(f"epoch {epoch}/{settings.epochs}", refresh=False)
            bar.update(patches)

        replay = PatchSet(REPLAY)
        history = fit(
            model, train, val, settings=settings, checkpoint=checkpoint, replay=replay, on_batch=show, team=team
        )

    if team.leads:
        write_model(model, OUT)
        METRICS.mkdir(parents=True, exist_ok=True)
        write_text(METRICS / "history.csv", history_csv(history))
        write_json(OUT / "provenance.json", {**origin, **hands(history)})
        os.utime(checkpoint.parent)


def forget_unused(checkpoints: Path) -> None:
    """Drop the checkpoints of trainings that no run has ended or gone on with for 30 days."""
    for folder in checkpoints.glob("*"):
        if time.time() - folder.stat().st_mtime > KEPT_S:
            shutil.rmtree(folder, ignore_errors=True)


def settings_of(train: Train, precision: str) -> Settings:
    """How to train; what starts with weights has a learning rate of its own."""
    rate = train.learning_rate if train.start == "scratch" else train.tuning_rate
    elsewhere = {"processes", "device", "precision", "start", "learning_rate", "tuning_rate"}
    return Settings(**train.model_dump(exclude=elsewhere), learning_rate=rate, precision=precision)


def start_folder(start: str) -> Path | None:
    """Where the weights lie that training goes on from; `None` where it starts from scratch."""
    if start == "scratch":
        return None
    return SHIPPED if start == "shipped" else START


def begun(params: Params, device: torch.device) -> Network:
    """The network to train, with the weights that it starts from.

    Raises:
        ParamsError: there are none, or of another architecture.
    """
    folder, arch = start_folder(params.train.start), params.model.arch
    if folder is None:
        return build_model(arch).to(device)
    wanted = f"train.start: {params.train.start}: expected weights of architecture '{arch}'"
    try:
        model = read_model(folder, device=device)
    except ModelError as error:
        raise ParamsError(f"{wanted}, which `python -m flows retrain` puts into {START}, got: {error}") from error
    if model.arch != arch:
        raise ParamsError(f"{wanted}, got '{model.arch}' in {folder}; 'scratch' starts without weights")
    return model.requires_grad_(True)


def precision(params: Params, device: torch.device) -> str:
    """The precision to compute in: what params say, or bf16 where the device is faster in it and float32 elsewhere."""
    if params.train.precision != "auto":
        return params.train.precision
    return "bf16" if native_precision(device) == torch.bfloat16 else "float32"


def provenance(
    params: Params, settings: Settings, device: torch.device, contents: Contents, libraries: Mapping[str, str]
) -> dict[str, Any]:
    """What decides the weights but for their last bits, of which `hands` tells: parameters, data, code and machine.

    No times: the same run writes the same file.
    """
    return {
        "arch": params.model.arch,
        "train": params.train.model_dump(exclude={"processes"}),
        "precision": settings.precision,
        "device": device.type if device.type == "cpu" else torch.cuda.get_device_name(device),
        "patches": {
            split: json_digest({name: file.sha256 for name, file in files.items()}) for split, files in contents.items()
        },
        "replay": json_digest(patch_digests(REPLAY)),
        "start": None if (start := start_folder(params.train.start)) is None else weights_sha256(start),
        "code": code_of("train"),
        "versions": {"python": platform.python_version(), **libraries, "torch": torch.__version__},
    }


def hands(history: History) -> dict[str, Any]:
    """How many processes trained each epoch, for a run may go on from another's checkpoint, and the threads of one."""
    return {"processes": [epoch.processes for epoch in history], "threads": torch.get_num_threads()}


if __name__ == "__main__":
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS is deterministic only with it
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")  # of processes: no warning that a step used all the weights
    main()
