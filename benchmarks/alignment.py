"""Alignment of brackets moved by known homographies, beside what people use: errors, refusals, time.

Each trial moves a frame of a tripod bracket and registers it to another one of the same bracket, up to eight stops
away: a shift of up to 2 % of the diagonal, in a third of the trials with up to 1.5° of rotation, in a third also with
corners moved by up to 0.6 % of the diagonal. `whole bracket` moves every frame and aligns all of them at once.

    python benchmarks/alignment.py                          simulated RAW brackets, with noise
    python benchmarks/alignment.py --source BRACKETS        and real tripod brackets, one folder a scene
    python benchmarks/alignment.py --tripod MAPS --trials 0      still brackets of rooms, rendered from radiance maps
    python benchmarks/alignment.py --megapixels 24 --trials 0    three frames of a hand-held bracket, time alone
"""

from __future__ import annotations

import argparse
import itertools
import sys
import tempfile
import time
import zlib
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from alignment_baselines import Matrix, Picture, align_mtb, ecc, identity, sift
from known_motion import brightness_stops, corner_error_px, move, octave, random_motion, stood_still
from tqdm import tqdm
from tripod import print_tripod

from deepfuse.alignment import AlignmentError, align
from deepfuse.color import from_float, to_float
from deepfuse.photo import read_header, read_photos
from deepfuse.simulation.camera import CAMERAS, simulate_bracket
from deepfuse.simulation.scenery import render_scene

MAX_GAP_STOPS = 8.2
MOVED = "not still"
STOPS = (-4, -2, 0, 2, 4)
BINS = (0.0, 2.5, 4.5, 6.5, MAX_GAP_STOPS)
FAR = (6.0, MAX_GAP_STOPS)  # stops


@dataclass(frozen=True)
class Trial:
    """One method's answer to one question; `error_px` is the mean error of the corners, `None` if it refused."""

    method: str
    scene: str
    gap_stops: float
    error_px: float | None
    seconds_per_mp: float


def main() -> None:
    """Print the table over all trials, ours by exposure gap, and the worst answers."""
    options = arguments()
    if options.megapixels:
        time_large(options.megapixels)
    if options.tripod:
        print_tripod(options.tripod, options.jobs)
    trials: list[Trial] = []
    with tempfile.TemporaryDirectory() as temporary:
        scenes = (
            [*real(options.source, options.skip), *simulated(Path(temporary), options.simulated)]
            if options.trials
            else []
        )
        with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as pool:
            work = pool.map(partial(run_scene, count=options.trials, ours_only=options.ours), scenes)
            for found in tqdm(work, total=len(scenes), unit="scene", file=sys.stderr):
                trials += found
    if moved := [trial.scene for trial in trials if trial.method == MOVED]:
        print("left out, since ECC and SIFT agree that the camera moved:", *moved)
    if trials := [trial for trial in trials if trial.method != MOVED]:
        print_tables(trials, options.worst)


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", type=Path, help="folder of tripod brackets, one folder a scene")
    parser.add_argument("--skip", nargs="*", default=[], metavar="SCENE", help="brackets that did not stand still")
    parser.add_argument("--simulated", type=int, default=6, help="simulated scenes (default 6)")
    parser.add_argument("--trials", type=int, default=6, help="trials a scene (default 6)")
    parser.add_argument("--jobs", type=int, default=2, help="processes (default 2)")
    parser.add_argument("--ours", action="store_true", help="leave out the other methods")
    parser.add_argument("--worst", type=int, default=10, help="answers to name, the worst first (default 10)")
    parser.add_argument("--megapixels", type=float, default=0, help="time a large bracket first")
    parser.add_argument("--tripod", type=Path, help="folder of radiance maps: brackets whose brightest is nearly white")
    return parser.parse_args()


def real(source: Path | None, skip: list[str]) -> list[list[Path]]:
    """The files of each bracket below `source` but those to skip."""
    folders = sorted(folder for folder in source.iterdir() if folder.is_dir()) if source else []
    files = [sorted(file for file in folder.iterdir() if file.suffix != ".hdr") for folder in folders]
    return [frames for frames in files if len(frames) > 1 and frames[0].parent.name not in skip]


def simulated(folder: Path, count: int) -> list[list[Path]]:
    """Brackets of procedural scenes as RAW files."""
    made = []
    for seed in range(count):
        radiance = render_scene(100 + seed, width=1024, height=683)
        camera = CAMERAS[seed % len(CAMERAS)]
        made.append(simulate_bracket(radiance, folder / f"sim_{seed:02d}", camera=camera, stops=STOPS, seed=seed))
    return made


def run_scene(files: list[Path], *, count: int, ours_only: bool) -> list[Trial]:
    """All methods on `count` pairs of one bracket, and the whole bracket once."""
    cv2.setNumThreads(1)
    frames = [from_float(to_float(frame), np.dtype(np.uint8)) for frame in read_photos(files)]
    stops = brightness_stops([read_header(file).exposure for file in files], frames)
    scene = files[0].parent.name
    if not stood_still(frames, stops):
        return [Trial(MOVED, scene, 0.0, None, 0.0)]
    rng = np.random.default_rng(zlib.crc32(scene.encode()))
    pairs = [p for p in itertools.permutations(range(len(frames)), 2) if abs(stops[p[0]] - stops[p[1]]) < MAX_GAP_STOPS]
    trials: list[Trial] = []
    for index, at in enumerate(rng.permutation(len(pairs))[:count]):
        first, second = pairs[at]
        motion = random_motion(rng, frames[0], kind=index % 3)
        two = move([frames[first], frames[second]], [np.eye(3), motion])
        methods = {} if ours_only else BASELINES
        gap = abs(stops[first] - stops[second])
        for name, method in {**methods, "ours": ours}.items():
            started = time.perf_counter()
            found = method(*two)
            seconds = (time.perf_counter() - started) / (two[0].size / 3e6)
            error = None if found is None else corner_error_px(found, np.linalg.inv(motion), two[0])
            trials.append(Trial(name, scene, gap, error, seconds))
    return trials + whole_bracket(scene, frames, rng)


def whole_bracket(scene: str, frames: list[Picture], rng: np.random.Generator) -> list[Trial]:
    """Every frame moved, all aligned at once: one trial a frame that is not the reference."""
    motions = [random_motion(rng, frames[0], kind=2) for _ in frames]
    moved = move(frames, motions)
    started = time.perf_counter()
    try:
        result = align(moved)
    except AlignmentError:
        return [Trial("whole bracket", scene, 0.0, None, 0.0)] * (len(frames) - 1)
    seconds = (time.perf_counter() - started) / (len(frames) * moved[0].size / 3e6)
    errors = [
        corner_error_px(found, motions[result.reference] @ np.linalg.inv(motion), moved[0])
        for index, (found, motion) in enumerate(zip(result.homographies, motions, strict=True))
        if index != result.reference
    ]
    return [Trial("whole bracket", scene, 0.0, error, seconds) for error in errors]


def ours(reference: Picture, frame: Picture) -> Matrix | None:
    """Our alignment of a pair, turned to the reference asked for."""
    try:
        result = align([reference, frame])
    except AlignmentError:
        return None
    return np.asarray(np.linalg.inv(result.homographies[0]) @ result.homographies[1])


BASELINES: dict[str, Callable[[Picture, Picture], Matrix | None]] = {
    "identity": identity, "AlignMTB": align_mtb, "SIFT + RANSAC": sift, "ECC": ecc,
}  # fmt: skip


def print_tables(trials: list[Trial], worst: int) -> None:
    """All methods, ours by gap, the worst of ours."""
    print(
        f"{'':16}{'trials':>7}{'median':>8}{'p95':>9}{'<1 px':>8}{'<2 px':>8}{'<5 px':>8}{'silent':>8}{'refused':>9}",
        end="",
    )
    print(f"{'ms/MP':>8}")
    for method in dict.fromkeys(trial.method for trial in trials):
        print_row(method, [trial for trial in trials if trial.method == method])
    print("\nours, by the stops between the two frames")
    for low, high in (*itertools.pairwise(BINS), FAR):
        chosen = [t for t in trials if t.method == "ours" and low <= t.gap_stops < high]
        if chosen:
            print_row(f"{low:g} to {high:g}", chosen)
    mine = [trial for trial in trials if trial.method in ("ours", "whole bracket")]
    wrong = sorted(mine, key=lambda trial: -(trial.error_px if trial.error_px is not None else 4.99))
    for trial in wrong[:worst]:
        error = "refused" if trial.error_px is None else f"{trial.error_px:.2f} px"
        print(f"{error:>10}  {trial.method}, {trial.scene}, {trial.gap_stops:.1f} stops")


def print_row(name: str, trials: list[Trial]) -> None:
    """Errors over the answers given; shares over all trials; silent: accepted though more than 5 px wrong."""
    errors = np.array([np.inf if trial.error_px is None else trial.error_px for trial in trials])
    given = errors[np.isfinite(errors)]
    median, p95 = (np.percentile(given, share) if given.size else np.nan for share in (50, 95))
    shares = [(errors < limit).mean() for limit in (1, 2, 5)]
    silent, refused = (given >= 5).sum() / len(errors), np.isinf(errors).mean()
    row = "".join(f"{share:8.1%}" for share in (*shares, silent))
    milliseconds = 1000 * np.median([trial.seconds_per_mp for trial in trials])
    print(f"{name:16}{len(trials):7}{median:8.2f}{p95:9.2f}{row}{refused:9.1%}{milliseconds:8.0f}")


def time_large(megapixels: float) -> None:
    """Time `align` on three frames, two stops apart, of a hand-held bracket of this size."""
    height = round((megapixels * 1e6 / 1.082) ** 0.5)  # of which the margins are cut off
    scene = np.mean([octave(height, round(1.5 * height), cell) for cell in (4, 32, 256)], axis=0)
    rng = np.random.default_rng(0)
    linear = (scene - scene.min()) / np.ptp(scene)
    frames = [
        (np.clip(linear * gain, 0, 1) ** (1 / 2.2) * 65535).astype(np.uint16)[..., None].repeat(3, 2)
        for gain in (0.25, 1, 4)
    ]
    motions = [random_motion(rng, frames[0], kind=kind) for kind in (2, 0, 2)]
    for name, bracket in (("tripod", move(frames, [np.eye(3)] * 3)), ("hand-held", move(frames, motions))):
        started = time.perf_counter()
        result = align(bracket)
        seconds = time.perf_counter() - started
        print(f"{name}: 3 frames of {bracket[0].size / 3e6:.1f} MP in {seconds:.2f} s ({result.evidence[0].method})")


if __name__ == "__main__":
    main()
