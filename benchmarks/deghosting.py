"""Ghost removal: what it changes where nothing moves, what it finds and mends where something does, what it costs.

python benchmarks/deghosting.py --source data/aligned  what stage align made: MEF-SSIM with and without
python benchmarks/deghosting.py --source RAW --align   the same of brackets, one folder a scene, aligned first
python benchmarks/deghosting.py --moving 12            simulated RAW brackets in which things move
python benchmarks/deghosting.py --megapixels 24        time
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from moving_things import Moving, moving_bracket

from deepfuse.alignment import AlignmentError, align
from deepfuse.color import Image, to_float
from deepfuse.fusion.fuse import fuse
from deepfuse.manifest import Scene, read_manifest
from deepfuse.metrics.ghost import ghost
from deepfuse.metrics.mef_ssim import mef_ssim
from deepfuse.motion import Deghosted, remove_ghosts
from deepfuse.photo import read_pages, read_photos
from deepfuse.simulation.scenery import render_scene

FRAMES = (".tif", ".dng", ".png", ".jpg")
Read = Callable[[], tuple[list[Image], int]]
"""The frames of a scene, and the place of the one to prefer."""
NEAR_PX = 12  # masks are grown on purpose
STOPS: tuple[tuple[float, ...], ...] = ((-2, 2), (-3, 0, 3), (-4, -2, 0, 2, 4))


def main() -> None:
    """Print the tables that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", type=Path, help="folder of stage align; of brackets with --align")
    parser.add_argument("--align", action="store_true", help="brackets, one folder a scene, which are aligned first")
    parser.add_argument("--moving", type=int, default=0, help="simulated scenes in which things move")
    parser.add_argument("--megapixels", type=float, default=0, help="time brackets of this size")
    options = parser.parse_args()
    if options.source:
        print_harm(options.source, align_first=options.align)
    if options.moving:
        print_moving(options.moving)
    if options.megapixels:
        print_time(options.megapixels)


def print_harm(source: Path, *, align_first: bool) -> None:
    """MEF-SSIM against the frames as they were, and ghosts, with and without, scene by scene."""
    rows = []
    print(f"{'scene':36}{'moved':>8}{'regions':>9}{'MEF-SSIM without':>18}{'with':>9}{'ghost without':>15}{'with':>9}")
    for name, read in (brackets(source) if align_first else aligned(source)).items():
        try:
            frames, base = read()
        except AlignmentError:
            print(f"{name:36}  refused")
            continue
        found, plain = remove_ghosts(frames, base), fuse(frames)
        mended = fuse(found.frames) if touched(found) else plain
        scores = [measure(frames, picture) for measure in (mef_ssim, ghost) for picture in (plain, mended)]
        rows.append((touched(found), *scores))
        row = f"{found.share:8.2%}{found.regions:9}{scores[0]:18.5f}{scores[1]:9.5f}{scores[2]:15.5f}{scores[3]:9.5f}"
        print(f"{name:36}{row}{'  left alone' * bool(found.warnings)}", flush=True)
    changed = np.array([row[1:] for row in rows if row[0]])
    print(f"{len(rows)} scenes, {len(changed)} changed; of those the means", np.round(changed.mean(axis=0), 5))


def touched(found: Deghosted) -> bool:
    """Whether any frame was changed."""
    return any(alpha is not None for alpha in found.alphas)


def brackets(source: Path) -> dict[str, Read]:
    """Each bracket below a folder, registered when it is read."""

    def read(folder: Path) -> tuple[list[Image], int]:
        found = align(read_photos(sorted(file for file in folder.iterdir() if file.suffix in FRAMES)))
        return list(found.frames), found.reference

    return {folder.name: partial(read, folder) for folder in sorted(source.iterdir()) if folder.is_dir()}


def aligned(source: Path) -> dict[str, Read]:
    """Each scene of a folder of stage `align`."""

    def read(scene: Scene) -> tuple[list[Image], int]:
        frames = [frame.pixels for frame in read_pages(scene.file(source), range(len(scene.frames)))]
        return frames, json.loads(scene.alignment_file(source).read_text())["reference"]

    return {scene.scene: partial(read, scene) for scene in read_manifest(source) if scene.ok}


def print_moving(count: int) -> None:
    """Masks and errors by number of frames."""
    print(f"{'stops':>20}{'found':>9}{'near':>9}{'without':>10}{'with':>10}   (errors of 255, in what moved)")
    for stops in STOPS:
        with tempfile.TemporaryDirectory() as folder:
            scenes = [moving_bracket(seed, Path(folder, str(seed)), stops) for seed in range(count)]
        recall, near, before, after = np.array([judged(scene) for scene in scenes]).mean(axis=0)
        name = " ".join(f"{stop:+g}" for stop in stops)
        print(f"{name:>20}{recall:9.1%}{near:9.1%}{before:10.2f}{after:10.2f}", flush=True)


def judged(scene: Moving) -> tuple[float, float, float, float]:
    """Share of what moved that is masked, share of the masks near it, and the errors without and with."""
    found = remove_ghosts(scene.frames, len(scene.frames) // 2)
    masks = np.max([found.mask(index) for index in range(len(scene.frames))], axis=0) > 127
    kernel = np.ones((2 * NEAR_PX + 1,) * 2, np.uint8)
    near = cv2.dilate(scene.moved.astype(np.uint8), kernel) > 0
    truths = [to_float(fuse(frames)) for frames in scene.still]
    errors = [error(to_float(fuse(frames)), truths, scene) for frames in (scene.frames, found.frames)]
    return masks[scene.moved].mean(), near[masks].mean() if masks.any() else 1.0, errors[0], errors[1]


def error(fused: Image, truths: Sequence[Image], scene: Moving) -> float:
    """Root mean square error, of 255: each thing that moved against the moment that it is likest to."""
    count, labels = cv2.connectedComponents(scene.moved.astype(np.uint8))
    least = np.zeros(scene.moved.shape, np.float32)
    squares = [((fused - truth) ** 2).mean(axis=2) for truth in truths]
    for label in range(1, count):
        inside = labels == label
        least[inside] = min((square[inside] for square in squares), key=np.mean)
    return float(255 * np.sqrt(least[scene.moved].mean()))


def print_time(megapixels: float) -> None:
    """Seconds for three frames, of 8 and 16 bits, where nothing moves and where a thing does; and those of fusing."""
    scene = render_scene(7, width=768, height=512)
    size = round((megapixels * 1e6 * 1.5) ** 0.5), round((megapixels * 1e6 / 1.5) ** 0.5)
    large = np.asarray(cv2.resize(scene, size, interpolation=cv2.INTER_CUBIC)).clip(0)
    for dtype in (np.uint8, np.uint16):
        top = np.iinfo(dtype).max
        still = [(np.clip(large * gain, 0, 1) ** (1 / 2.2) * top).astype(dtype) for gain in (0.25, 1, 4)]
        moving = [frame.copy() for frame in still]
        side = size[1] // 5
        moving[1][side : 2 * side, side : round(2.5 * side)] = top // 3
        started = time.perf_counter()
        fuse(still)
        fusing = time.perf_counter() - started
        for name, frames in (("still", still), ("moving", moving), ("still pair", still[:2])):
            started = time.perf_counter()
            found = remove_ghosts(frames, 0)
            seconds = time.perf_counter() - started
            ratio = f"{seconds / fusing:.1%} of fusing three" if len(frames) == 3 else ""
            print(f"{np.dtype(dtype).name:8}{name:12}{found.share:7.2%} moved {seconds:7.2f} s  {ratio}")


if __name__ == "__main__":
    main()
