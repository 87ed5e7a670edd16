"""Stage `patch`: aligned scenes → luma patches in Parquet, one file a scene, in a folder for each split."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
from tqdm import tqdm

from deepfuse.color import from_float, luma, to_float
from deepfuse.engine import each_scene, indispensable
from deepfuse.files import write_json
from deepfuse.heap import look_for_cycles_seldom
from deepfuse.imports import libraries_of
from deepfuse.incremental import SceneCache, content, scene_cache
from deepfuse.links import link_kept
from deepfuse.manifest import Scene, read_manifest
from deepfuse.params import read_params
from deepfuse.photo import read_pages
from deepfuse.split import split_of
from deepfuse.training.contents import PatchFile, about, patch_file, write_contents
from deepfuse.training.patches import Selection, cut_patches, write_patches

ALIGNED = Path("data/aligned")
OUT = Path("data/patches")
FILE = "patches.parquet"
ABOUT = "about.json"  # what the manifest says of that
SPLITS = ("train", "val")


def main() -> None:
    """Write the folders `train` and `val`, and their manifest; scenes under test are kept whole for `evaluate`."""
    params = read_params()
    selection = Selection(**params.patch.model_dump())
    cache = scene_cache("patch", params.patch.model_dump(), params.libraries.installed(*libraries_of("patch")))
    shutil.rmtree(OUT, ignore_errors=True)  # a scene that is gone leaves no patches
    OUT.mkdir(parents=True)
    scenes = {scene: split_of(scene.scene, **params.split.model_dump()) for scene in read_manifest(ALIGNED) if scene.ok}
    chosen = [(scene, split) for scene, split in scenes.items() if split in SPLITS]
    work = partial(patch_scene, cache=cache, selection=selection)
    results = each_scene(chosen, work, refuse=lambda task, why: indispensable(task[0], why))
    contents: dict[str, dict[str, PatchFile]] = {split: {} for split in SPLITS}
    files = tqdm(results, total=len(chosen), desc="patch", unit="scene")
    for (scene, folder), file in zip(chosen, files, strict=True):
        contents[folder][file_name(scene)] = file
    write_contents(OUT, contents)
    for split, of_split in contents.items():
        count = sum(sum(file.exposures.values()) for file in of_split.values())
        print(f"{split}: {count} patches of {len(of_split)} scenes")
    cache.tidy(OUT)


def patch_scene(task: tuple[Scene, str], *, cache: SceneCache, selection: Selection) -> PatchFile:
    """The patches of one scene of a split, cut or taken from the cache."""
    scene, split = task
    made = cache.folder(content(scene, ALIGNED), partial(cut_scene, scene, selection))
    link_kept(f"{made}/{FILE}", f"{OUT}/{split}/{file_name(scene)}")
    return patch_file(**json.loads(Path(f"{made}/{ABOUT}").read_bytes()))


def file_name(scene: Scene) -> str:
    """The name of a scene's file in the folder of its split."""
    return f"{scene.scene}.parquet"


def cut_scene(scene: Scene, selection: Selection, folder: Path) -> None:
    """Cut one scene into a Parquet file of its own."""
    frames = read_pages(scene.file(ALIGNED), range(len(scene.frames)))
    pictures = [luma(to_float(frame.pixels)) for frame in frames]
    greys = [from_float(picture, np.dtype(np.uint8)) for picture in pictures]
    write_patches(folder / FILE, cut_patches(scene.scene, greys, [frame.ev for frame in scene.frames], selection))
    write_json(folder / ABOUT, asdict(about(folder / FILE)))


if __name__ == "__main__":
    look_for_cycles_seldom()
    main()
