"""Stage `train`: patches → weights, where they come from, and the history of their training."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from deepfuse.files import file_digest, json_digest, write_json, write_text
from deepfuse.imports import code_of, libraries_of
from deepfuse.model import build_model, native_precision, pick_device, write_model
from deepfuse.params import Params, read_params
from deepfuse.training.fit import Settings, fit, history_csv
from deepfuse.training.patches import PatchSet

PATCHES = Path("data/patches")
OUT = Path("data/model")
METRICS = Path("data/metrics")
CHECKPOINTS = Path(".deepfuse/checkpoints")


def main() -> None:
    """Train, going on from the checkpoint of a killed run of the same inputs."""
    params = read_params()
    libraries = params.libraries.installed(*libraries_of("train"))
    device = pick_device(params.train.device)
    settings = Settings(**params.train.model_dump(exclude={"device", "precision"}), precision=precision(params, device))
    origin = provenance(params, settings, device, libraries)
    checkpoint = CHECKPOINTS / json_digest(origin)[:16] / "epoch.pt"
    train, val = (PatchSet(PATCHES / split) for split in ("train", "val"))

    torch.manual_seed(settings.seed)
    torch.use_deterministic_algorithms(True, warn_only=True)
    model = build_model(params.model.arch).to(device)
    with tqdm(total=settings.epochs * len(train), desc=f"train on {device.type}", unit="patch") as bar:

        def show(epoch: int, patches: int) -> None:
            bar.n = max(bar.n, (epoch - 1) * len(train))
            bar.set_postfix_str(f"epoch {epoch}/{settings.epochs}", refresh=False)
            bar.update(patches)

        history = fit(model, train, val, settings=settings, checkpoint=checkpoint, on_batch=show)

    write_model(model, OUT)
    METRICS.mkdir(parents=True, exist_ok=True)
    write_text(METRICS / "history.csv", history_csv(history))
    write_json(OUT / "provenance.json", origin)
    shutil.rmtree(checkpoint.parent)


def precision(params: Params, device: torch.device) -> str:
    """The precision to compute in: what params say, or bf16 where the device multiplies in it and float32 elsewhere."""
    if params.train.precision != "auto":
        return params.train.precision
    return "bf16" if native_precision(device) == torch.bfloat16 else "float32"


def provenance(
    params: Params, settings: Settings, device: torch.device, libraries: Mapping[str, str]
) -> dict[str, Any]:
    """What decides the weights: parameters, data, code and machine. No times: the same run writes the same file."""
    return {
        "arch": params.model.arch,
        "train": params.train.model_dump(),
        "precision": settings.precision,
        "device": device.type if device.type == "cpu" else torch.cuda.get_device_name(device),
        "threads": torch.get_num_threads(),
        "patches": {split: patches_digest(PATCHES / split) for split in ("train", "val")},
        "code": code_of("train"),
        "versions": {"python": platform.python_version(), **libraries, "torch": torch.__version__},
    }


def patches_digest(folder: Path) -> str:
    """The SHA-256 of what the files of a folder are called and hold."""
    return json_digest({path.name: file_digest(path) for path in folder.glob("*.parquet")})


if __name__ == "__main__":
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS is deterministic only with it
    main()
