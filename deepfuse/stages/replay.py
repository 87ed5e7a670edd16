"""Stage `replay`: procedural scenes → patches that training mixes in, so that a network forgets nothing."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
from tqdm import trange

from deepfuse.color import from_float, luma, to_float
from deepfuse.params import Replay, read_params
from deepfuse.photo import read_photos
from deepfuse.simulation.camera import CAMERAS, simulate_bracket
from deepfuse.simulation.scenery import render_scene
from deepfuse.stages.imports import libraries_of
from deepfuse.training.patches import Selection, cut_patches, write_patches

OUT = Path("data/replay")
FILE = "patches.parquet"


def main() -> None:
    """Write the patches of all scenes into one file."""
    params = read_params()
    params.libraries.installed(*libraries_of("replay"))
    OUT.mkdir(parents=True, exist_ok=True)
    selection = Selection(**params.patch.model_dump())
    write_patches(OUT / FILE, replay_patches(params.replay, selection), size_px=selection.size_px)


def replay_patches(params: Replay, selection: Selection) -> Iterator[pa.Table]:
    """The patches of each scene, taken by another of the simulated cameras each time."""
    for index in trange(params.scenes, desc="replay", unit="scene"):
        seed = params.seed + index
        radiance = render_scene(seed, width=params.width, height=params.height)
        with tempfile.TemporaryDirectory() as folder:
            camera = CAMERAS[index % len(CAMERAS)]
            shots = simulate_bracket(radiance, Path(folder), camera=camera, stops=params.stops, seed=seed)
            greys = [from_float(luma(to_float(frame)), np.dtype(np.uint8)) for frame in read_photos(shots)]
        yield cut_patches(f"replay_{seed}", greys, [-stop for stop in params.stops], selection)


if __name__ == "__main__":
    main()
