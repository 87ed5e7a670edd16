"""Megapixels a second of the stage `ingest`, beside as many processes that do nothing but LibRaw and the encoder.

Both take turns in one run on the same files with the same settings; trust the ratio.
`python benchmarks/ingest.py` makes its own brackets; `--source` takes a folder with one folder a scene.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import cv2
import rawpy
from ruamel.yaml import YAML

from deepfuse.grouping import find_brackets
from deepfuse.manifest import read_manifest
from deepfuse.photo import writing_pages
from deepfuse.simulation.camera import CAMERAS, simulate_bracket
from deepfuse.simulation.scenery import render_scene

ROOT = Path(__file__).parents[1]


def main() -> None:
    """Measure and print."""
    options = arguments()
    os.environ["OMP_NUM_THREADS"] = "1"  # one core a process, on both sides
    with tempfile.TemporaryDirectory(dir=options.scratch) as scratch:
        project = make_project(Path(scratch), options)
        source = options.source or project / "brackets"
        runs = {"bare": partial(bare, source, project, options.jobs), "ingest": partial(stage, project, options.jobs)}
        walls, processors = in_turns(project, runs, options.rounds)
        peak_gb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / 1e9
        frames = [frame for scene in read_manifest(project / "data/frames") for frame in scene.frames]
    megapixels = sum(frame.width * frame.height for frame in frames) / 1e6
    print(f"{len(frames)} frames of {megapixels / len(frames):.1f} MP, {options.jobs} processes of one thread")
    for name in runs:
        print(f"{name:8} {walls[name]:6.1f} s, {megapixels / walls[name]:5.1f} MP/s, {processors[name]:6.1f} CPU s")
    shares = [100 * took["bare"] / took["ingest"] for took in (walls, processors)]
    print(f"the largest process held {peak_gb:.2f} GB")
    print(f"ingest does {shares[0]:.0f} % of bare LibRaw with the same encoder, {shares[1]:.0f} % by processor time")


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", type=Path, help="RAW brackets to read, one folder a scene (default: simulated)")
    parser.add_argument("--scratch", type=Path, help="where the files go (default: the system's temporary folder)")
    parser.add_argument("--scenes", type=int, default=8, help="simulated brackets of three frames (default 8)")
    parser.add_argument("--width", type=int, default=4000, help="of simulated frames, 4:3 (default 4000: 12 MP)")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)), help="processes (default: cores)")
    parser.add_argument("--rounds", type=int, default=3, help="of which the median counts (default 3)")
    return parser.parse_args()


def make_project(folder: Path, options: argparse.Namespace) -> Path:
    """A copy of this project whose `ingest.source` holds the files."""
    shutil.copytree(ROOT / "deepfuse", folder / "deepfuse")
    shutil.copy(ROOT / "dvc.yaml", folder)
    yaml = YAML()
    params = yaml.load((ROOT / "params.yaml").read_text())
    params["ingest"]["source"] = str((options.source or folder / "brackets").resolve())
    yaml.dump(params, folder / "params.yaml")
    if options.source is None:
        radiance = render_scene(1, width=1024, height=768)
        large = cv2.resize(radiance, (options.width, options.width * 3 // 4), interpolation=cv2.INTER_LINEAR)
        for index in range(options.scenes):
            target = folder / "brackets" / f"{index:02d}"
            simulate_bracket(large, target, camera=CAMERAS[index % 4], stops=(-2, 0, 2), seed=index)
    return folder


def stage(project: Path, jobs: int) -> None:
    """The stage as DVC runs it, with nothing in its cache."""
    environment = {**os.environ, "DEEPFUSE_JOBS": str(jobs)}
    command = [sys.executable, "-m", "deepfuse.stages.ingest"]
    subprocess.run(command, cwd=project, env=environment, check=True, capture_output=True)


def bare(source: Path, project: Path, jobs: int) -> None:
    """LibRaw with our settings and our encoder on every file, by processes that are started for it."""
    files = [path for group in find_brackets(source).groups for path in group.bracket.files if path.suffix != ".hdr"]
    out = project / "bare"
    out.mkdir()
    targets = [out / f"{index}.tif" for index in range(len(files))]
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        list(pool.map(decode_and_encode, files, targets))


def decode_and_encode(path: Path, target: Path) -> None:
    """One frame."""
    with rawpy.imread(str(path)) as raw:
        pixels = raw.postprocess(
            gamma=(2.4, 12.92), no_auto_bright=True, adjust_maximum_thr=0.0, output_bps=16, use_camera_wb=True
        )
    with writing_pages(target) as write:
        write(pixels, None)


def in_turns(
    project: Path, runs: dict[str, Callable[[], None]], rounds: int
) -> tuple[dict[str, float], dict[str, float]]:
    """The median seconds and processor seconds of each, one after the other in every round, each from nothing."""
    walls: dict[str, list[float]] = {name: [] for name in runs}
    processors: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            for made in ("bare", "data", ".deepfuse"):
                shutil.rmtree(project / made, ignore_errors=True)
            wall, processor = time.perf_counter(), processor_seconds()
            run()
            walls[name].append(time.perf_counter() - wall)
            processors[name].append(processor_seconds() - processor)
    medians = ({name: statistics.median(taken) for name, taken in times.items()} for times in (walls, processors))
    return next(medians), next(medians)


def processor_seconds() -> float:
    """What this process's ended children have used so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
