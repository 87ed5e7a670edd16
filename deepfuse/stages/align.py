"""Stage `align`: each scene's frames registered to its best-exposed one, or the scene refused with a reason."""

from __future__ import annotations

import dataclasses
from functools import partial
from pathlib import Path

from tqdm import tqdm

from deepfuse.alignment import AlignmentError, align
from deepfuse.engine import each_scene
from deepfuse.files import write_json, write_text
from deepfuse.heap import look_for_cycles_seldom
from deepfuse.imports import libraries_of
from deepfuse.incremental import SceneCache, content, known_content, scene_cache
from deepfuse.manifest import Scene, read_manifest, report, write_manifest
from deepfuse.monitoring.arrived import FILE, TRAITS, arrived, arrived_csv, traits
from deepfuse.motion import completed, detect_motion, shown_by
from deepfuse.params import Align, read_params
from deepfuse.photo import read_pages, writing_pages
from deepfuse.workers import worker_count

FRAMES = Path("data/frames")
OUT = Path("data/aligned")
METRICS = Path("data/metrics")
WORKER_BYTES = 0.5e9  # of a worker with its libraries and small frames
BYTES_PER_PX = 30  # of each frame, as read, as registered and on the way


def main() -> None:
    """Align every ingested scene; those that ingest refused stay refused, with their reason.

    `arrived.csv` says of each what a model is trained on, for git to keep.
    """
    params = read_params()
    cache = scene_cache("align", params.align.model_dump(), params.libraries.installed(*libraries_of("align")))
    scenes = read_manifest(FRAMES)
    ingested = [scene for scene in scenes if scene.ok]
    OUT.mkdir(parents=True, exist_ok=True)
    jobs = worker_count(len(ingested), WORKER_BYTES + BYTES_PER_PX * most_pixels(ingested))
    work = partial(align_scene, cache=cache, params=params.align)
    results = each_scene(ingested, work, refuse=refused, kept=partial(kept, cache=cache), jobs=jobs)
    try:
        aligned = {scene.scene: scene for scene in tqdm(results, total=len(ingested), desc="align", unit="scene")}
    finally:
        cache.tidy(OUT)
    records = [aligned.get(scene.scene, scene) for scene in scenes]
    write_manifest(OUT, records)
    METRICS.mkdir(parents=True, exist_ok=True)
    write_text(METRICS / FILE, arrived_csv(arrived(scene, OUT) for scene in records))
    report(records)


def refused(scene: Scene, why: str) -> Scene:
    """A scene whose worker failed."""
    return Scene(scene.scene, reason=f"scene {scene.scene}: {why}")


def most_pixels(scenes: list[Scene]) -> int:
    """The pixels of the largest scene's frames together."""
    return max((sum(frame.width * frame.height for frame in scene.frames) for scene in scenes), default=0)


def kept(scene: Scene, *, cache: SceneCache) -> Scene | None:
    """One scene, if the cache has it."""
    inputs = known_content(scene, FRAMES)
    return cache.kept_scene(scene.scene, inputs, OUT) if inputs else None


def align_scene(scene: Scene, *, cache: SceneCache, params: Align) -> Scene:
    """One scene, registered or taken from the cache, or refused."""
    make = partial(make_aligned, scene, params)
    return cache.scene(scene.scene, content(scene, FRAMES), OUT, make)


def make_aligned(scene: Scene, params: Align, folder: Path) -> Scene:
    """Write the registered frames, and the evidence and what moved as JSON, into `folder`."""
    pictures = list(read_pages(scene.file(FRAMES), range(len(scene.frames))))
    try:
        result = align(
            [picture.pixels for picture in pictures],
            valid=[picture.valid for picture in pictures],
            min_inliers=params.min_inliers,
            min_kept=params.min_kept,
        )
    except AlignmentError as error:
        raise error.named([frame.file for frame in scene.frames]) from error
    aligned = completed(result.frames, result.valid, result.base)
    height, width, _ = aligned[0].shape
    with writing_pages(scene.file(folder)) as write:
        for picture in aligned:
            write(picture, None)
    motion = detect_motion(aligned, result.base, told=shown_by(2, result.valid))
    record = result.record() | {"motion": motion.record(), TRAITS: traits(aligned)}
    write_json(scene.alignment_file(folder), record)
    frames = tuple(dataclasses.replace(frame, width=width, height=height) for frame in scene.frames)
    return dataclasses.replace(scene, frames=frames, moving=motion.known_share)


if __name__ == "__main__":
    look_for_cycles_seldom()
    main()
