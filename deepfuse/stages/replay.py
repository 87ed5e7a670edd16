"""Stage `replay`: procedural scenes → patches that training mixes in, so that a network forgets nothing."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path

import numpy as np
from tqdm import tqdm

from deepfuse.color import from_float, luma, to_float
from deepfuse.engine import each_scene, indispensable
from deepfuse.imports import libraries_of
from deepfuse.params import Replay, read_params
from deepfuse.photo import read_photos
from deepfuse.simulation.camera import CAMERAS, simulate_bracket
from deepfuse.simulation.scenery import render_scene
from deepfuse.training.patches import Selection, cut_patches, write_patches

OUT = Path("data/replay")


def main() -> None:
    """Write the patches, a file a scene."""
    params = read_params()
    params.libraries.installed(*libraries_of("replay"))
    write_replay(OUT, params.replay, Selection(**params.patch.model_dump()))


def write_replay(folder: Path, params: Replay, selection: Selection) -> None:
    """The patches of each scene."""
    folder.mkdir(parents=True, exist_ok=True)
    work = partial(replay_scene, folder=folder, params=params, selection=selection)
    written = each_scene(range(params.scenes), work, refuse=indispensable)
    for _ in tqdm(written, total=params.scenes, desc="replay", unit="scene"):
        pass


def replay_scene(index: int, *, folder: Path, params: Replay, selection: Selection) -> None:
    """The patches of one scene, each taken by another of the simulated cameras than the one before."""
    seed = params.seed + index
    radiance = render_scene(seed, width=params.width, height=params.height)
    with tempfile.TemporaryDirectory() as temporary:
        camera = CAMERAS[index % len(CAMERAS)]
        shots = simulate_bracket(radiance, Path(temporary), camera=camera, stops=params.stops, seed=seed)
        greys = [from_float(luma(to_float(frame)), np.dtype(np.uint8)) for frame in read_photos(shots)]
    name = f"replay_{seed}"
    write_patches(folder / f"{name}.parquet", cut_patches(name, greys, [-stop for stop in params.stops], selection))


if __name__ == "__main__":
    main()
