"""A checkout with many brackets of tiny JPEGs for a benchmark: each file is its own content, a few hundred bytes of work.

A few scenes are made of noise; the others are copies of them that differ in their comment and in when they were taken.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from ruamel.yaml import YAML

from deepfuse.color import Float, from_float

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
    "train": {"epochs": 1, "batch_size": 8, "loss_scales": 1},
    "evaluate": {"pictures": 4},
    "promote": {"min_scenes": 1},
}
COPIED = ("deepfuse", "flows", ".dvc")
FILES = ("dvc.yaml", "params.yaml", ".dvcignore", ".gitignore", "data/.gitignore", "data/start/.gitignore")
GIT = ("git", "-c", "user.name=growth", "-c", "user.email=growth@localhost")


def made_frames() -> list[list[bytes]]:
    """The frames of a few scenes, dark to bright, as JPEG files with an exposure."""
    return [[_jpeg(seed, stop) for stop in STOPS] for seed in range(MADE)]


def _jpeg(seed: int, stop: float) -> bytes:
    linear = np.clip(0.18 * _radiance(seed) * 2.0**stop, 0, 1)
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Durian", "X14"
    exif.get_ifd(0x8769).update({0x829A: 2.0**stop / 100, 0x829D: 8.0, 0x8827: 100, 0x9003: STAMP.decode()})
    file = io.BytesIO()
    pixels = from_float(np.asarray(linear ** (1 / 2.2), np.float32), np.dtype(np.uint8))
    Image.fromarray(pixels).save(file, "JPEG", quality=90, exif=exif)
    return file.getvalue()


def _radiance(seed: int) -> Float:
    """Structure of every size, with a median of about 1."""
    rng = np.random.default_rng(seed)
    grids = [rng.normal(size=(2**level, 3 * 2 ** (level - 1), 3)).astype(np.float32) for level in range(2, 7)]
    return np.asarray(np.exp(sum(cv2.resize(grid, SIZE_PX, interpolation=cv2.INTER_CUBIC) for grid in grids) / 2))


def add_scene(folder: Path, index: int, frames: list[list[bytes]]) -> None:
    """One more bracket in a new folder: taken at a time of its own, with its number in a comment."""
    folder.mkdir(parents=True)
    number = f"{index:012}".encode()
    comment = b"\xff\xfe" + (2 + len(number)).to_bytes(2, "big") + number
    taken = (datetime(2026, 1, 1) + timedelta(minutes=index)).strftime("%Y:%m:%d %H:%M:%S").encode()
    for place, jpeg in enumerate(frames[index % len(frames)]):
        end = 4 + int.from_bytes(jpeg[4:6], "big")  # of the first segment, after which a comment may stand
        own = jpeg[:end] + comment + jpeg[end:]
        (folder / f"IMG_{3 * index % 9000 + place:04}.jpg").write_bytes(own.replace(STAMP, taken))


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
