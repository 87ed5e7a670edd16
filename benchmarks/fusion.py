"""Seconds and memory of fusing brackets at full resolution: ours in each quality and look, Mertens' fusion, enfuse.

Every case runs in a process of its own, the methods of a case one after the other, because machines are shared: trust
the ratios. Memory is the peak of the process less what it held with the frames in memory, so it is what fusing adds;
that includes the fused picture. Enfuse runs from files to file, and its memory is that of its own process. Frames are
simulated: blobs of light and noise.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import torch

from deepfuse import Controls, fuse, mef_ssim
from deepfuse.color import Image
from deepfuse.evaluation import fuse_mertens
from deepfuse.photo import write_photo

LOOK = Controls(
    strength=0.7, exposure_ev=0.5, saturation=1.2, highlights=0.5, shadows=0.5,
    black_point=0.03, white_point=0.95, contrast=0.3, temperature=-10,
)  # fmt: skip
METHODS: dict[str, Callable[[Sequence[Image]], Image]] = {
    "mertens": fuse_mertens,
    "best": lambda frames: fuse(frames, quality="best"),
    "fast": lambda frames: fuse(frames, quality="fast"),
    "look": lambda frames: fuse(frames, controls=LOOK),
    "enfuse": lambda frames: fuse_enfuse(frames),
}


def main() -> None:
    """Measure and print."""
    options = arguments()
    methods = [name for name in options.methods if name != "enfuse" or shutil.which("enfuse")]
    print("  MP  K  method     wall s    CPU s  × Mertens' CPU  added MiB  MEF-SSIM")
    for megapixels in options.megapixels:
        for k in options.exposures:
            first = None
            for method in methods:
                wall, cpu, added, score = in_a_process(method, megapixels, k, options)
                first = first or cpu
                times = f"{wall:8.2f} {cpu:8.2f} {cpu / first:15.2f}"
                print(f"{megapixels:4g} {k:2}  {method:8} {times} {added:10.0f}  {f'{score:.4f}' if score else ''}")


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megapixels", type=float, nargs="+", default=[1, 4, 12, 24, 50])
    parser.add_argument("--exposures", type=int, nargs="+", default=[2, 3, 5])
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS), help="the first is the unit")
    parser.add_argument("--bits", type=int, choices=[8, 16], default=16)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--score", action="store_true", help="also MEF-SSIM, which takes longer than fusing")
    return parser.parse_args()


def in_a_process(method: str, megapixels: float, k: int, options: argparse.Namespace) -> tuple[float, ...]:
    """`measured` in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(measured, (method, megapixels, k, options))


def measured(method: str, megapixels: float, k: int, options: argparse.Namespace) -> tuple[float, ...]:
    """Wall seconds, processor seconds, MiB added at the peak, and MEF-SSIM or 0."""
    torch.set_num_threads(options.threads)
    cv2.setNumThreads(options.threads)
    frames = simulated(megapixels, k, np.dtype(f"uint{options.bits}"))
    METHODS[method]([frame[:128, :128] for frame in frames])
    held, wall, cpu = peak_mib(), time.perf_counter(), processor_s()
    fused = METHODS[method](frames)
    wall, cpu, added = time.perf_counter() - wall, processor_s() - cpu, peak_mib() - held
    if method == "enfuse":
        added = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return wall, cpu, added, mef_ssim(frames, fused) if options.score else 0.0


def simulated(megapixels: float, k: int, dtype: np.dtype[np.generic]) -> list[Image]:
    """K frames of a 3:2 picture, made by rows so that the making does not set the peak of memory."""
    height = round((megapixels * 1e6 / 1.5) ** 0.5)
    width = round(1.5 * height)
    rng, top = np.random.default_rng(0), np.iinfo(dtype).max
    frames = [np.empty((height, width, 3), dtype) for _ in range(k)]
    for start in range(0, height, 256):
        size = (width, min(256, height - start))
        light = cv2.resize(rng.random((5, 60, 3), np.float32), size, interpolation=cv2.INTER_CUBIC)
        light += 0.05 * rng.standard_normal(light.shape, np.float32)
        for frame, gain in zip(frames, np.geomspace(0.3, 2, k), strict=True):
            frame[start : start + 256] = np.clip(light * np.float32(gain * top), 0, top)
    return frames


def fuse_enfuse(frames: Sequence[Image]) -> Image:
    """Enfuse at its defaults, from files to file."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, f"{index}.tif") for index in range(len(frames))]
        for path, frame in zip(paths, frames, strict=True):
            write_photo(path, frame)
        output = Path(folder, "fused.tif")
        subprocess.run(["enfuse", "-o", output, *paths], check=True, capture_output=True)
        return np.asarray(cv2.imread(str(output), cv2.IMREAD_UNCHANGED))[..., 2::-1]


def peak_mib() -> float:
    """The most memory that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def processor_s() -> float:
    """Processor seconds of this process and of those that it has started."""
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


if __name__ == "__main__":
    main()
