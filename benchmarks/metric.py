"""Time and memory of MEF-SSIM on a whole picture, beside the same formula by plain two-dimensional convolutions.

`OMP_NUM_THREADS=2 taskset -c 0,1 python benchmarks/metric.py` measures two cores.
"""

from __future__ import annotations

import argparse
import math
import resource
import time
from collections.abc import Callable
from itertools import product

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from deepfuse.metrics.mef_ssim import GREY_WEIGHTS, SCALE_EXPONENTS, SIGMA_PX, STABILISER, WINDOW_PX, mef_ssim


def main() -> None:
    """Print seconds, processor seconds, peak memory and the ratio to the baseline."""
    options = arguments()
    frames, fused = pictures(options.width, options.height)
    before = peak_mib()
    score = mef_ssim(frames, fused)
    memory = peak_mib() - before
    wall, processor = best(lambda: mef_ssim(frames, fused), options.repeat)
    size_mp = options.width * options.height / 1e6
    print(f"{size_mp:.1f} MP on {torch.get_num_threads()} threads: MEF-SSIM {score:.6f}")
    print(f"{wall:.2f} s ({processor:.2f} s of processor time), {memory:.0f} MiB above the pictures")
    crop = [picture[: options.crop, : options.crop] for picture in (*frames, fused)]
    crop_mp = crop[-1].size / 3e6
    plain, _ = best(lambda: conv2d_mef_ssim(crop[:-1], crop[-1]), options.repeat)
    difference = abs(conv2d_mef_ssim(crop[:-1], crop[-1]) - mef_ssim(crop[:-1], crop[-1]))
    print(f"{wall / size_mp:.3f} s per MP, {plain / crop_mp:.3f} s by F.conv2d with whole windows on {crop_mp:.2f} MP")
    print(f"ratio {plain / crop_mp / (wall / size_mp):.1f}; the two scores differ by {difference:.1e}")


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--width", type=int, default=4000, help="of the pictures, in pixels (default 4000)")
    parser.add_argument("--height", type=int, default=3000, help="of the pictures, in pixels (default 3000)")
    parser.add_argument(
        "--crop", type=int, default=512, help="side of the baseline's pictures, in pixels (default 512)"
    )
    parser.add_argument("--repeat", type=int, default=5, help="runs, of which the fastest counts (default 5)")
    return parser.parse_args()


def pictures(width: int, height: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Two exposures of a smooth random texture and their mean, (height, width, 3) uint8."""
    coarse = np.random.default_rng(0).integers(0, 256, (height // 8, width // 8, 3), dtype=np.uint8)
    scene = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    dark, bright = (cv2.convertScaleAbs(scene, alpha=gain) for gain in (0.3, 2))
    return [dark, bright], cv2.addWeighted(dark, 0.5, bright, 0.5, 0)


def best(call: Callable[[], object], repeat: int) -> tuple[float, float]:
    """Fewest wall-clock and processor seconds over the runs: other work on the machine can only add."""
    walls, processors = [], []
    for _ in range(repeat):
        wall, processor = time.perf_counter(), time.process_time()
        call()
        walls.append(time.perf_counter() - wall)
        processors.append(time.process_time() - processor)
    return min(walls), min(processors)


def peak_mib() -> float:
    """The largest memory this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def conv2d_mef_ssim(frames: list[np.ndarray], fused: np.ndarray) -> float:
    """MEF-SSIM of pictures of even size at three scales, every window moment by an 11×11 convolution in float64."""
    levels = torch.from_numpy(np.stack([picture @ np.array(GREY_WEIGHTS) for picture in (*frames, fused)]))[:, None]
    logs = 0.0
    for exponent in SCALE_EXPONENTS:
        logs += exponent * math.log(float(conv2d_quality(levels[:-1], levels[-1:]).mean()))
        levels = F.avg_pool2d(levels, 2)
    return math.exp(logs / sum(SCALE_EXPONENTS))


def conv2d_quality(frames: Tensor, fused: Tensor) -> Tensor:
    """Quality of every window: frames (K, 1, H, W), fused (1, 1, H, W) → (1, h, w)."""
    box = torch.ones(1, 1, WINDOW_PX, WINDOW_PX, dtype=torch.float64)
    line = torch.exp(-(torch.arange(WINDOW_PX, dtype=torch.float64) - WINDOW_PX // 2).square() / (2 * SIGMA_PX**2))
    bell = torch.outer(line, line)[None, None] / line.sum() ** 2
    gram = {pair: inner(frames, pair, box) * WINDOW_PX**2 for pair in product(range(len(frames)), repeat=2)}
    norm = torch.cat([gram[k, k] for k in range(len(frames))]).clamp(min=0).sqrt()
    consistency = sum(gram.values()).clamp(min=0).sqrt() / norm.sum(0, keepdim=True).clamp(min=1e-9)
    exponent = torch.tan(consistency.clamp(max=1 - 1e-6) * math.pi / 2).clamp(max=10)
    strength = norm + 0.001
    weight = (strength / WINDOW_PX) ** exponent + torch.finfo(torch.float64).eps
    direction = weight / weight.sum(0) / strength
    length = sum(direction[i] * direction[j] * gram[i, j] for i, j in gram)
    wanted = direction * strength.amax(0) / length.clamp(min=1e-12).sqrt()
    variance = sum(wanted[i] * wanted[j] * inner(frames, (i, j), bell) for i, j in gram)
    mean = F.conv2d(fused, bell)
    products = F.conv2d(frames * fused, bell) - F.conv2d(frames, bell) * mean
    spread = (F.conv2d(fused.square(), bell) - mean.square())[0]
    return (2 * (wanted * products[:, 0]).sum(0) + STABILISER) / (variance + spread + STABILISER)


def inner(frames: Tensor, pair: tuple[int, int], window: Tensor) -> Tensor:
    """Covariance of two frames in every window, (1, h, w)."""
    first, second = frames[pair[0]][None], frames[pair[1]][None]
    mean = window / window.sum()
    return (F.conv2d(first * second, mean) - F.conv2d(first, mean) * F.conv2d(second, mean))[0]


if __name__ == "__main__":
    main()
