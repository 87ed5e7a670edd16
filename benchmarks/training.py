"""Patches a second of one training step: a plain loop, ours, and what the machine's matrix rate would allow.

The plain loop is what one writes first: a call for each tower, every window moment by a 2-D convolution, float32.
All three are measured in one run, in turns, because machines are shared: trust the ratios.
"""

from __future__ import annotations

import argparse
import math
import statistics
import time
from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.optim import Adam

from deepfuse.metrics.mef_ssim import STABILISER, WINDOW_PX
from deepfuse.model import build_model, pick_device
from deepfuse.model.paper import LEAK, PaperNet
from deepfuse.training.fit import step
from deepfuse.training.learning import learned
from deepfuse.training.loader import Batch
from deepfuse.training.recorded import recorded
from deepfuse.training.settings import Settings
from deepfuse.training.team import ALONE

MAC_PER_PX = 114_352  # of a pair through the paper's network
PASSES = 3  # forward, and backward for inputs and for weights
MATRIX_PX = 2048


def main() -> None:
    """Measure and print."""
    options = arguments()
    device = pick_device(options.device)
    torch.manual_seed(0)
    frames = torch.rand(options.batch, 2, options.size, options.size, device=device)
    runs = {
        "plain loop, float32": plain_step(frames),
        "ours, float32": our_step(frames, "paper", "float32"),
        "ours, bf16": our_step(frames, "paper", "bf16"),
        "ours, bf16, default network": our_step(frames, "pyramid", "bf16"),
    }
    rates = {dtype: matrix_rate(device, dtype) for dtype in (torch.float32, torch.bfloat16)}
    seconds = in_turns(runs, options.rounds, device)
    work = 2 * PASSES * MAC_PER_PX * options.batch * options.size**2
    floor = options.batch * rates[torch.bfloat16] / work
    print(f"{device.type}, {torch.get_num_threads()} threads, batch {options.batch} of {options.size}² px")
    print("  ".join(f"{dtype}: {rate / 1e9:.0f} GFLOP/s".removeprefix("torch.") for dtype, rate in rates.items()))
    print(f"{'floor of the bf16 matrix rate':30} {floor:8.0f} patches/s")
    for name, took in seconds.items():
        rate = options.batch / took
        share = "" if "default" in name else f", {100 * rate / floor:3.0f} % of the floor"
        print(f"{name:30} {rate:8.0f} patches/s, {seconds['plain loop, float32'] / took:5.2f} × the plain loop{share}")


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=32, help="patches a step")
    parser.add_argument("--size", type=int, default=64, help="pixels of a patch's side")
    parser.add_argument("--rounds", type=int, default=7, help="times that each loop is measured; the median counts")
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"])
    return parser.parse_args()


def our_step(frames: Tensor, arch: str, precision: str) -> Callable[[], object]:
    """One update as `deepfuse.training` does it, with the paper's loss."""
    model = build_model(arch).to(frames.device, memory_format=torch.channels_last)
    settings = Settings(
        seed=0, epochs=1, batch_size=len(frames), learning_rate=1e-4, loss_scales=1, luminance_weight=0.0,
        halo_weight=0.0, precision=precision,
    )  # fmt: skip
    optimizer = Adam(model.parameters(), lr=settings.learning_rate, fused=frames.is_cuda)
    batch = Batch(frames, frames.mean((2, 3)))  # each patch as if it were a whole picture
    learn = recorded(partial(learned, model, settings), frames.device, ALONE)
    return lambda: step(learn, batch, optimizer)


def plain_step(frames: Tensor) -> Callable[[], object]:
    """One update of the paper's network, written plainly."""
    model = PaperNet().to(frames.device)
    optimizer = Adam(model.parameters(), lr=1e-4)

    def update() -> None:
        towers = [F.leaky_relu(model.c2(F.leaky_relu(model.c1(frames[:, k : k + 1]), LEAK)), LEAK) for k in (0, 1)]
        x = F.leaky_relu(model.c4(F.leaky_relu(model.c3(towers[0] + towers[1]), LEAK)), LEAK)
        loss = 1 - plain_mef_ssim(255 * frames, 255 * model.c5(x))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss.item()

    return update


def plain_mef_ssim(frames: Tensor, fused: Tensor) -> Tensor:
    """Single-scale MEF-SSIM of a pair, each moment by a 2-D convolution."""
    offsets = torch.arange(WINDOW_PX, device=frames.device) - WINDOW_PX // 2
    bell = torch.exp(-offsets.square() / 4.5)
    bell = (bell[:, None] * bell) / bell.sum() ** 2
    box = torch.ones(WINDOW_PX, WINDOW_PX, device=frames.device)

    def moment(x: Tensor, window: Tensor) -> Tensor:
        return F.conv2d(x, window[None, None])

    def covariance(x: Tensor, y: Tensor) -> Tensor:
        return moment(x * y, bell) - moment(x, bell) * moment(y, bell)

    def product(x: Tensor, y: Tensor) -> Tensor:
        return moment(x * y, box) - moment(x, box) * moment(y, box) / WINDOW_PX**2

    x, y = frames[:, :1], frames[:, 1:]
    xx, xy, yy = product(x, x).clamp(min=0), product(x, y), product(y, y).clamp(min=0)
    strengths = xx.sqrt() + 1e-3, yy.sqrt() + 1e-3
    consistency = (xx + 2 * xy + yy).clamp(min=0).sqrt() / (strengths[0] + strengths[1])
    exponent = torch.tan(consistency.clamp(max=1 - 1e-6) * math.pi / 2).clamp(max=10)
    weights = [(strength / WINDOW_PX) ** exponent + 1e-12 for strength in strengths]
    a, b = (w / (weights[0] + weights[1]) / s for w, s in zip(weights, strengths, strict=True))
    length = (a * a * xx + 2 * a * b * xy + b * b * yy).clamp(min=1e-12).sqrt()
    gain = torch.maximum(*strengths) / length
    a, b = a * gain, b * gain
    wanted = a * a * covariance(x, x) + 2 * a * b * covariance(x, y) + b * b * covariance(y, y)
    shared = a * covariance(x, fused) + b * covariance(y, fused)
    return ((2 * shared + STABILISER) / (wanted + covariance(fused, fused) + STABILISER)).mean()


def matrix_rate(device: torch.device, dtype: torch.dtype) -> float:
    """Floating-point operations a second of a large matrix product, the best of several."""
    a = torch.rand(MATRIX_PX, MATRIX_PX, device=device, dtype=dtype)
    times = [timed(lambda: a @ a, device) for _ in range(10)]
    return 2 * MATRIX_PX**3 / min(times)


def in_turns(runs: dict[str, Callable[[], object]], rounds: int, device: torch.device) -> dict[str, float]:
    """The median seconds of each, one after the other in every round, after two rounds that do not count."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds + 2):
        for name, run in runs.items():
            times[name].append(timed(run, device))
    return {name: statistics.median(taken[2:]) for name, taken in times.items()}


def timed(run: Callable[[], object], device: torch.device) -> float:
    """Seconds of one call, the device's work included."""
    started = time.perf_counter()
    run()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
