"""Patches a second of training in several processes, as a ratio to one process with one thread on the same machine.

Each round trains an epoch in every way, in turns, because machines are shared; the medians count. Processor seconds a
patch say what the processes cost even where the machine is busy: without cost they would all be equal.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from deepfuse.files import write_json
from deepfuse.model import SHIPPED, pick_device, read_model
from deepfuse.training.fit import fit
from deepfuse.training.launching import together
from deepfuse.training.patch_set import PatchSet
from deepfuse.training.patches import Selection, cut_patches, write_patches
from deepfuse.training.settings import Settings
from deepfuse.training.team import joined, own_device


def main() -> None:
    """Measure and print."""
    options = arguments()
    ways = [(1, 1), *((1, threads) for threads in options.threads), *((count, 1) for count in options.processes)]
    seconds: dict[tuple[int, int], list[tuple[float, float]]] = {way: [] for way in dict.fromkeys(ways)}
    with TemporaryDirectory() as name:
        folder = Path(name)
        write_set(folder / "train", options.size, options.patches)
        for _ in range(options.rounds):
            for way in seconds:
                seconds[way].append(measured(folder, way, options))
    print(
        f"{options.device}, {options.precision}, {options.patches} pairs of {options.size}² px, {options.batch} a step"
    )
    wall_of_one, busy_of_one = (statistics.median(times) for times in zip(*seconds[1, 1], strict=True))
    for (processes, threads), taken in seconds.items():
        wall, busy = (statistics.median(times) for times in zip(*taken, strict=True))
        print(
            f"{processes} × {threads} thread{'s' if threads > 1 else ' '} {options.patches / wall:7.1f} patches/s, "
            f"{wall_of_one / wall:5.2f} × one; {1000 * busy / options.patches:6.1f} processor ms a patch, "
            f"{busy / busy_of_one:5.2f} × one"
        )


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--patches", type=int, default=64, help="of an epoch")
    parser.add_argument("--size", type=int, default=192, help="pixels of a patch's side")
    parser.add_argument("--batch", type=int, default=4, help="patches a step, of all processes")
    parser.add_argument("--rounds", type=int, default=3, help="times that each way is measured")
    parser.add_argument("--processes", type=int, nargs="*", default=[2], help="of one thread each")
    parser.add_argument("--threads", type=int, nargs="*", default=[2], help="of one process")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--precision", default="float32", choices=["float32", "bf16"])
    return parser.parse_args()


def write_set(folder: Path, size_px: int, count: int) -> None:
    """Pairs of noise."""
    noise = np.random.default_rng(0).integers(0, 256, (2 * size_px, 2 * size_px), np.uint8)
    folder.mkdir()
    table = cut_patches("noise", [noise // 4, noise], [None] * 2, Selection(size_px, count, 2, 1, 1))
    write_patches(folder / "noise.parquet", table)


def measured(folder: Path, way: tuple[int, int], options: argparse.Namespace) -> tuple[float, float]:
    """Seconds and processor seconds of one epoch, its first steps not counted, in so many processes and threads."""
    processes, threads = way
    settings = Settings(
        seed=0,
        epochs=2,
        batch_size=options.batch,
        learning_rate=1e-3,
        loss_scales=3,
        luminance_weight=2.5,
        halo_weight=0.8,
        precision=options.precision,
    )
    shutil.rmtree(folder / "run", ignore_errors=True)
    together(train, folder, settings, threads, options.device, processes=processes)
    found = [json.loads(path.read_text()) for path in (folder / "run").glob("seconds.*")]
    return max(each["wall"] for each in found), sum(each["busy"] for each in found)


def train(folder: Path, settings: Settings, threads: int, device_name: str) -> None:
    """One process's part: the second epoch counts, when all is warm."""
    torch.set_num_threads(threads)
    device = own_device(pick_device(device_name))
    clocks: dict[str, Callable[[], float]] = {"wall": time.perf_counter, "busy": time.process_time}
    started: dict[str, float] = {}

    def on_batch(epoch: int, patches: int) -> None:
        if epoch == 1:
            started.update({name: clock() for name, clock in clocks.items()})  # the last of them stays

    with joined(device) as team:
        model = read_model(SHIPPED, device=device).requires_grad_(True)
        fit(
            model,
            PatchSet(folder / "train"),
            PatchSet(folder / "none"),
            settings=settings,
            checkpoint=folder / "run/epoch.pt",
            on_batch=on_batch,
            team=team,
        )
        spent = {name: clock() - started[name] for name, clock in clocks.items()}
        write_json(folder / f"run/seconds.{team.rank}", spent)


if __name__ == "__main__":
    main()
