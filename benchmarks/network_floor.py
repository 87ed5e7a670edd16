"""The networks by strips, without colour, beside what the machine's rate of matrix multiplication would allow.

The floor counts every multiplication of every convolution, once a pixel, at the rate of one large matrix product. The
network by strips adds what strips see around themselves, the bands, and everything that is no convolution.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode
from training import matrix_rate

from deepfuse.fusion.strips import exposures_of, strips_of
from deepfuse.model import NETWORKS, Network, Quality, build_model, native_precision

COUNTED_PX = 512


def main() -> None:
    """Measure and print."""
    options = arguments()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    height = round((options.megapixels * 1e6 / 1.5) ** 0.5)
    frames = [np.random.default_rng(i).integers(0, 256, (height, round(1.5 * height), 3), np.uint8) for i in (0, 1)]
    device = torch.device("cpu")
    dtype = native_precision(device)
    rate = matrix_rate(device, dtype)
    print(
        f"one core, {str(dtype).removeprefix('torch.')}: {rate / 1e9:.0f} GFLOP/s; {options.megapixels:g} MP, 2 frames"
    )
    for arch in NETWORKS:
        model = build_model(arch).eval().requires_grad_(False)
        for quality in model.qualities:
            floor = 2 * multiplications(model, quality) * options.megapixels * 1e6 / rate
            seconds = processor_s(lambda m=model, q=quality: whole(frames, m, q))
            print(f"{arch:8} {quality:5} floor {floor:7.2f} s, by strips {seconds:7.2f} s: {seconds / floor:5.2f} ×")


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megapixels", type=float, default=4)
    return parser.parse_args()


def whole(frames: list[np.ndarray], model: Network, quality: Quality) -> None:
    """The luma of the whole picture."""
    strips = strips_of(*frames[0].shape[:2])
    dtype = native_precision(torch.device("cpu"))
    with torch.inference_mode():
        rows = model.by_rows(exposures_of(frames), quality, dtype=dtype, strips=strips, run=map)
        for strip in strips:
            rows(strip)


def multiplications(model: Network, quality: Quality) -> float:
    """Of all convolutions, for a pixel of two frames."""
    with FlopCounterMode(display=False) as counter:
        model(torch.rand(1, 2, COUNTED_PX, COUNTED_PX), quality)
    return counter.get_total_flops() / 2 / COUNTED_PX**2


def processor_s(run: Callable[[], object], rounds: int = 3) -> float:
    """The fastest of some rounds, in processor seconds."""
    taken = []
    for _ in range(rounds):
        start = time.process_time()
        run()
        taken.append(time.process_time() - start)
    return min(taken)


if __name__ == "__main__":
    main()
