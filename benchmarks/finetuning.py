"""A studio's own brackets: training from scratch and from the shipped weights, on its held-out pictures and ours.

Of a folder with manifest.csv the brackets of split `train` and tier B are the studio's, shuffled once: its own are the
first so many of them. Held out are the brackets of split `devtest`. All are reduced to 900 pixels, aligned, and kept in
the cache, as are trained networks. Held-out pictures are of all frames of a bracket, at 600 pixels.
"""

from __future__ import annotations

import argparse
import csv
import random
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from colour import prepared, within

from deepfuse import fuse, load_model
from deepfuse.color import Image, from_float, luma, to_float
from deepfuse.errors import DeepfuseError
from deepfuse.evaluation import Score, score
from deepfuse.evaluation.reference import ReferenceScores, reference_cache, reference_scores
from deepfuse.metrics.table import METRICS
from deepfuse.model import SHIPPED, Network, build_model, read_model, write_model
from deepfuse.params import read_params
from deepfuse.stages.replay import write_replay
from deepfuse.training.fit import fit
from deepfuse.training.patch_set import PatchSet
from deepfuse.training.patches import Selection, cut_patches, write_patches
from deepfuse.training.settings import Settings

Scores = dict[str, Score]
SCORED_PX = 600


@dataclass(frozen=True)
class Run:
    """One training: the studio's brackets, where it starts, and what differs from params.yaml."""

    brackets: int
    start: str
    epochs: int
    rate: float
    replay: float
    seed: int = 0

    @property
    def name(self) -> str:
        """What it is called in files and tables."""
        rest = f"{self.epochs} epochs, rate {self.rate:g}, replay {self.replay:g}, seed {self.seed}"
        return f"{self.start}, {self.brackets} brackets, {rest}"


def main() -> None:
    """Train what is not kept, score it, and print a line a run as it comes, then the table."""
    options = arguments()
    scenes = list(brackets(options.data, options.cache / "brackets", held_out=True))
    rows = [("shipped", *measured(SHIPPED, scenes))]
    show(*rows[0], rows[0])
    for run in options.run:
        folder = options.cache / "models" / run.name.replace(", ", "_").replace(" ", "-")
        if not (folder / "config.json").exists():
            started = time.process_time()
            write_model(trained(run, options), folder)
            print(f"{run.name}: {time.process_time() - started:.0f} processor seconds", flush=True)
        rows.append((run.name, *measured(folder, scenes)))
        show(*rows[-1], rows[0])


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="a folder with manifest.csv: split, kind, tier, scene_id and file")
    parser.add_argument("--cache", type=Path, default=Path(".deepfuse/benchmarks/finetuning"))
    parser.add_argument("--per-scene", type=int, default=24, help="patches a bracket (default: 24)")
    parser.add_argument(
        "--run", action="append", type=parsed, default=[], metavar="BRACKETS,START,EPOCHS,RATE,REPLAY[,SEED]"
    )
    return parser.parse_args()


def parsed(text: str) -> Run:
    """A run from the command line."""
    brackets, start, epochs, rate, replay, *seed = text.split(",")
    return Run(int(brackets), start, int(epochs), float(rate), float(replay), int(seed[0]) if seed else 0)


def brackets(data: Path, cache: Path, *, held_out: bool) -> Iterator[tuple[str, list[Image]]]:
    """The held-out brackets, or the studio's in an order of their own; what cannot be aligned is left out."""
    files = defaultdict(list)
    with (data / "manifest.csv").open(encoding="utf-8", newline="") as manifest:
        for row in csv.DictReader(manifest):
            wanted = row["split"] == "devtest" if held_out else (row["split"], row["tier"]) == ("train", "B")
            if wanted and row["kind"] == "bracket":
                files[row["scene_id"]].append(data / row["file"])
    cache.mkdir(parents=True, exist_ok=True)
    for scene in random.Random(0).sample(sorted(files), len(files)):
        kept = cache / f"{scene}.npy"
        try:
            if not kept.exists():
                np.save(kept, np.stack(prepared(files[scene])))
        except DeepfuseError as error:
            print(f"{scene} is left out: {str(error)[:90]}")
            continue
        frames = list(np.load(kept))
        yield (
            scene,
            [from_float(within(frame, SCORED_PX), np.dtype(np.uint8)) for frame in frames] if held_out else frames,
        )


def trained(run: Run, options: argparse.Namespace) -> Network:
    """The network of a run, trained with the settings of params.yaml but for what the run says."""
    params = read_params()
    selection = replace(Selection(**params.patch.model_dump()), per_scene=options.per_scene)
    train, earlier = options.cache / f"own_{run.brackets}", options.cache / "replay"
    if not train.exists():
        own = [bracket for bracket, _ in zip(brackets(options.data, options.cache / "brackets", held_out=False),
                                             range(run.brackets), strict=False)]  # fmt: skip
        train.mkdir()
        for scene, frames in own:
            table = cut_patches(scene, greys(frames), [None] * len(frames), selection)
            write_patches(train / f"{scene}.parquet", table)
    if not earlier.exists():
        write_replay(earlier, params.replay, selection)
    known = params.train.model_dump(include={"batch_size", "loss_scales", "luminance_weight", "halo_weight"})
    settings = Settings(
        **known, seed=run.seed, epochs=run.epochs, learning_rate=run.rate, replay=run.replay, precision="bf16"
    )
    torch.manual_seed(run.seed)
    model = read_model(SHIPPED).requires_grad_(True) if run.start == "shipped" else build_model("pyramid")
    checkpoint = options.cache / "checkpoints" / f"{run.name}.pt"
    none = options.cache / "none"
    fit(model, PatchSet(train), PatchSet(none), settings=settings, checkpoint=checkpoint, replay=PatchSet(earlier))
    return model


def greys(frames: Iterable[Image]) -> list[np.ndarray]:
    """Luma in bytes."""
    return [from_float(luma(to_float(frame)), np.dtype(np.uint8)) for frame in frames]


def measured(folder: Path, scenes: list[tuple[str, list[Image]]]) -> tuple[Scores, ReferenceScores]:
    """The scores of a model on held-out pictures and on the reference set."""
    model = load_model(folder)
    return (
        {scene: score(frames, fuse(frames, model=model)) for scene, frames in scenes},
        reference_scores(folder, reference_cache(read_params().libraries)),
    )


def show(name: str, own: Scores, reference: ReferenceScores, shipped: tuple[str, Scores, ReferenceScores]) -> None:
    """Print the means on both, and how many held-out pictures gain and lose against the shipped weights."""
    gains = np.array([own[scene]["mef_ssim"] - shipped[1][scene]["mef_ssim"] for scene in own])
    print(f"\n{name}: {(gains > 0).sum()} gain, {(gains < 0).sum()} lose, worst {gains.min():+.5f}")
    for title, scores in (("held out", own), ("reference", reference)):
        names = [metric.name for metric in METRICS if metric.name != "ghost"]
        names += ["true_colour_error"] if title == "reference" else []
        means = {name: float(np.mean([values[name] for values in scores.values()])) for name in names}
        print(f"  {title}: " + ", ".join(f"{name} {value:.5f}" for name, value in means.items()), flush=True)


if __name__ == "__main__":
    main()
