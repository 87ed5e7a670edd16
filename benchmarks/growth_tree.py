"""A checkout with many brackets of tiny JPEGs, each of another content, for a benchmark.

A few scenes are made of noise; the others are those once more, with their number in a corner and another time. Only
those few are aligned: what came of it is put into the stage's private cache for the others, their number in it too.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import PIL.Image
from ruamel.yaml import YAML

from deepfuse.color import Float, Image, from_float

MADE = 8
SIZE_PX = (144, 96)  # of a frame: the smallest that has enough to align
STOPS = (-2, 0, 2)
STAMP = b"2026:01:01 00:00:00"
SPLIT = {"val": 0.02, "test": 0.02, "salt": ""}
PARAMS = {
    "ingest": {"source": "data/raw"},
    "split": SPLIT,
    "patch": {"size_px": 64, "per_scene": 1},
    "replay": {"scenes": 1, "width": 96, "height": 64},
    "train": {"epochs": 1, "patches": 64, "batch_size": 8, "loss_scales": 1},
    "evaluate": {"scenes": 2, "pictures": 2},
    "promote": {"min_scenes": 1},
}
COPIED = ("deepfuse", "flows", ".dvc")
FILES = ("dvc.yaml", "params.yaml", ".dvcignore", ".gitignore", "data/.gitignore", "data/start/.gitignore")
ALIGN = """
from dataclasses import replace
from pathlib import Path
from deepfuse.files import file_digest
from deepfuse.imports import libraries_of
from deepfuse.incremental import SCENE, content, scene_cache
from deepfuse.manifest import read_manifest, write_manifest
from deepfuse.params import read_params
from deepfuse.photo import read_pages, writing_pages
from deepfuse.stages import align
params = read_params()
cache = scene_cache("align", params.align.model_dump(), params.libraries.installed(*libraries_of("align")))
scenes = read_manifest(align.FRAMES)
first = [align.align_scene(scene, cache=cache, params=params.align) for scene in scenes[:{made}]]
for index, scene in enumerate(scenes):
    like = first[index % {made}]
    def make(folder):
        files = folder / SCENE
        files.mkdir()
        with writing_pages(scene.file(files)) as write:
            for frame in read_pages(like.file(align.OUT), range(len(like.frames))):
                frame.pixels[0, 0] = index >> 10, index & 1023, 0
                write(frame.pixels, None)
        scene.alignment_file(files).write_bytes(like.alignment_file(align.OUT).read_bytes())
        size = dict(width=like.frames[0].width, height=like.frames[0].height)
        frames = tuple(replace(frame, **size) for frame in scene.frames)
        sha256 = file_digest(scene.file(files))
        write_manifest(folder, [replace(like, scene=scene.scene, frames=frames, sha256=sha256)])
    cache.folder([scene.scene, content(scene, align.FRAMES)], make)
"""
HOLLOW = """
from dataclasses import replace
from pathlib import Path
from deepfuse.bracket import Exposure, Frame
from deepfuse.manifest import Scene, write_manifest
from deepfuse.training.contents import PatchFile, write_contents
data = Path("data")
frame = Frame("IMG_0000.jpg", 64 * "0", "Durian X14", Exposure(0.01, 100.0, 8.0), 12.6, 144, 96, "")
scenes = [Scene(entry.name, 3 * (frame,), moving=0.0) for entry in sorted((data / "raw").iterdir())]
files = {"replay/replay.parquet": "", "model/model.safetensors": "", "report/index.html": ""}
files |= {f"metrics/{name}": "{}" for name in ("arrived.csv", "history.csv", "metrics.json", "scenes.csv")}
for scene in scenes:
    for folder in ("frames", "aligned"):
        files[str(scene.file(Path(folder)))] = f"{folder} {scene.scene}"
    files[str(scene.alignment_file(Path("aligned")))] = f"{scene.scene} alignment"
    files[f"patches/train/{scene.scene}.parquet"] = f"{scene.scene} cut"
for name, text in files.items():
    (data / name).parent.mkdir(parents=True, exist_ok=True)
    (data / name).write_text(text)
for folder in ("frames", "aligned"):
    write_manifest(data / folder, scenes)
write_contents(data / "patches", {"train": {f"{scene.scene}.parquet": PatchFile(64 * "0", {2: 1}) for scene in scenes}})
"""
GIT = ("git", "-c", "user.name=growth", "-c", "user.email=growth@localhost")


def made_frames() -> list[list[Image]]:
    """The frames of a few scenes, dark to bright."""
    return [[_frame(_radiance(seed), stop) for stop in STOPS] for seed in range(MADE)]


def _frame(radiance: Float, stop: float) -> Image:
    linear = np.clip(0.18 * radiance * 2.0**stop, 0, 1)
    return from_float(np.asarray(linear ** (1 / 2.2), np.float32), np.dtype(np.uint8))


def _radiance(seed: int) -> Float:
    """Structure of every size, with a median of about 1."""
    rng = np.random.default_rng(seed)
    grids = [rng.normal(size=(2**level, 3 * 2 ** (level - 1), 3)).astype(np.float32) for level in range(2, 7)]
    return np.asarray(np.exp(sum(cv2.resize(grid, SIZE_PX, interpolation=cv2.INTER_CUBIC) for grid in grids) / 2))


def add_scene(folder: Path, index: int, frames: list[list[Image]]) -> None:
    """One more bracket in a new folder: taken at a time of its own, with its number in a corner of its pixels."""
    folder.mkdir(parents=True)
    taken = (datetime(2026, 1, 1) + timedelta(minutes=index)).strftime("%Y:%m:%d %H:%M:%S")
    for place, (frame, stop) in enumerate(zip(frames[index % len(frames)], STOPS, strict=True)):
        exif = PIL.Image.Exif()
        exif[0x010F], exif[0x0110] = "Durian", "X14"
        exif.get_ifd(0x8769).update({0x829A: 2.0**stop / 100, 0x829D: 8.0, 0x8827: 100, 0x9003: taken})
        own = frame.copy()
        for digit in range(8):
            own[:8, 8 * digit : 8 * digit + 8] = 40 * (index >> 2 * digit & 3)
        path = folder / f"IMG_{3 * index % 9000 + place:04}.jpg"
        PIL.Image.fromarray(own).save(path, quality=90, exif=exif)


def make_checkout(project: Path, checkout: Path, scenes: int) -> None:
    """A copy of a checkout with a git history, a DVC remote and so many brackets in `data/raw`."""
    (project / "data/start").mkdir(parents=True)
    for name in FILES:
        shutil.copy(checkout / name, project / name)
    for name in COPIED:
        shutil.copytree(checkout / name, project / name, ignore=shutil.ignore_patterns("__pycache__", "cache", "tmp"))
    yaml = YAML()
    params = yaml.load((project / "params.yaml").read_text())
    for section, values in PARAMS.items():
        params[section].update(values)
    yaml.dump(params, project / "params.yaml")
    frames = made_frames()
    for index in range(scenes):
        add_scene(project / f"data/raw/scene_{index:06}", index, frames)
    dvc = Path(sys.executable).parent / "dvc"
    for command in (
        ("git", "init", "-q"),
        (dvc, "remote", "add", "--default", "store", str(project.with_name(f"{project.name}_remote"))),
        ("git", "add", "."),
        (*GIT, "commit", "-qm", "Start"),
    ):
        subprocess.run(command, cwd=project, check=True)
