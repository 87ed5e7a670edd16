"""Stage `align`: each scene's frames registered to its best-exposed one, or the scene refused with a reason."""

from __future__ import annotations

import dataclasses
from functools import partial
from pathlib import Path

from tqdm import tqdm

from deepfuse.alignment import align
from deepfuse.atomic import write_json
from deepfuse.manifest import Scene, picture_name, read_manifest, report, write_manifest
from deepfuse.params import Align, read_params
from deepfuse.photo import read_photo, write_photo
from deepfuse.stages.incremental import content, scene_cache

FRAMES = Path("data/frames")
OUT = Path("data/aligned")


def main() -> None:
    """Align every ingested scene; those that ingest refused stay refused, with their reason."""
    params = read_params()
    cache = scene_cache("align", params.align.model_dump(), params.libraries.installed("opencv"))
    OUT.mkdir(parents=True, exist_ok=True)
    scenes = []
    for scene in tqdm(read_manifest(FRAMES), desc="align", unit="scene"):
        if scene.ok:
            make = partial(align_scene, scene, params.align)
            scene = cache.scene(scene.scene, content(scene, FRAMES), OUT / scene.scene, make)
        scenes.append(scene)
    cache.prune()
    write_manifest(OUT, scenes)
    report(scenes)


def align_scene(scene: Scene, params: Align, folder: Path) -> Scene:
    """Write the registered frames and `alignment.json`, the evidence, into `folder`."""
    pictures = [read_photo(path) for path in scene.pictures(FRAMES)]
    result = align(pictures, min_inliers=params.min_inliers, min_kept=params.min_kept)
    height, width, _ = result.frames[0].shape
    for index, picture in enumerate(result.frames):
        write_photo(folder / picture_name(index), picture)
    write_json(folder / "alignment.json", result.record())
    frames = tuple(dataclasses.replace(frame, width=width, height=height) for frame in scene.frames)
    return dataclasses.replace(scene, frames=frames)


if __name__ == "__main__":
    main()
