"""Stage `patch`: aligned scenes → luma patch pairs in Parquet, one file per split."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from tqdm import tqdm

from deepfuse.color import from_float, luma, to_float
from deepfuse.imports import libraries_of
from deepfuse.incremental import SceneCache, content, scene_cache
from deepfuse.manifest import Scene, read_manifest
from deepfuse.params import read_params
from deepfuse.photo import read_photo
from deepfuse.split import split_of
from deepfuse.training.patches import Selection, cut_patches, write_patches

ALIGNED = Path("data/aligned")
OUT = Path("data/patches")
FILE = "patches.parquet"


def main() -> None:
    """Write `train.parquet` and `val.parquet`; scenes of the test split are kept whole for `evaluate`."""
    params = read_params()
    selection = Selection(**params.patch.model_dump())
    cache = scene_cache("patch", params.patch.model_dump(), params.libraries.installed(*libraries_of("patch")))
    OUT.mkdir(parents=True, exist_ok=True)
    scenes = [scene for scene in read_manifest(ALIGNED) if scene.ok]
    for split in ("train", "val"):
        chosen = [scene for scene in scenes if split_of(scene.scene, **params.split.model_dump()) == split]
        tables = cut(chosen, selection, cache, description=f"patch {split}")
        rows = write_patches(OUT / f"{split}.parquet", tables, size_px=selection.size_px)
        print(f"{split}: {rows} patches of {len(chosen)} scenes")
    cache.tidy(OUT)


def cut(scenes: list[Scene], selection: Selection, cache: SceneCache, description: str) -> Iterator[pa.Table]:
    """The patches of each scene, from the cache where its frames are known."""
    for scene in tqdm(scenes, desc=description, unit="scene"):
        yield pq.read_table(cache.folder(content(scene, ALIGNED), partial(cut_scene, scene, selection)) / FILE)


def cut_scene(scene: Scene, selection: Selection, folder: Path) -> None:
    """Cut one scene into a Parquet file of its own."""
    pictures = [luma(to_float(read_photo(picture))) for picture in scene.pictures(ALIGNED)]
    greys = [from_float(picture, np.dtype(np.uint8)) for picture in pictures]
    table = cut_patches(scene.scene, greys, [frame.ev for frame in scene.frames], selection)
    write_patches(folder / FILE, [table], size_px=selection.size_px)


if __name__ == "__main__":
    main()
