"""Stage `sample`: procedural scenes as simulated RAW brackets, with their ground truth."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
from tqdm import tqdm

from deepfuse.engine import each_scene, indispensable
from deepfuse.files import write_json
from deepfuse.imports import libraries_of
from deepfuse.params import Sample, read_params
from deepfuse.simulation.camera import CAMERAS, hand_motion, simulate_bracket, write_radiance
from deepfuse.simulation.scenery import render_scene

OUT = Path("data/sample")
STOPS = ((-3, 0, 3), (-2, 0, 2), (-4, 0, 2), (-3, -1, 2))
HANDHELD_EVERY = 3


def main() -> None:
    """Make every scene of the sample."""
    params = read_params()
    params.libraries.installed(*libraries_of("sample"))
    OUT.mkdir(parents=True, exist_ok=True)
    scenes = range(params.sample.scenes)
    made = each_scene(scenes, partial(make_scene, params=params.sample), refuse=indispensable)
    for _ in tqdm(made, total=len(scenes), desc="sample", unit="scene"):
        pass


def make_scene(index: int, params: Sample) -> None:
    """One bracket, the radiance it was taken of, and how the camera moved (`motion.json`, frame ~ H · reference)."""
    handheld = index % HANDHELD_EVERY == HANDHELD_EVERY - 1
    folder = OUT / f"scene_{index:02d}{'_handheld' if handheld else ''}"
    folder.mkdir(exist_ok=True)
    radiance = render_scene(params.seed + index, width=params.width, height=params.height)
    stops = STOPS[index % len(STOPS)]
    motion = [np.eye(3)] * len(stops)
    if handheld:
        rng = np.random.default_rng([params.seed, index])
        motion = hand_motion(rng, len(stops), width=params.width, height=params.height)
    camera = CAMERAS[index % len(CAMERAS)]
    simulate_bracket(radiance, folder, camera=camera, stops=stops, seed=params.seed + index, homographies=motion)
    write_radiance(folder / "truth.hdr", radiance)
    write_json(folder / "motion.json", [matrix.tolist() for matrix in motion])


if __name__ == "__main__":
    main()
