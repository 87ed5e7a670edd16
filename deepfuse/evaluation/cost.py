"""What a model costs to use: time, parameters, bytes."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, fields

import numpy as np

from deepfuse.color import Image
from deepfuse.fusion.fuse import fuse
from deepfuse.model import Network

WIDTH_PX, HEIGHT_PX = 384, 256  # a tenth of a megapixel, since the paper's network takes seconds for a whole one
ROUNDS = 3  # of which the fastest counts: other work on the machine must hit them all to be noticed


@dataclass(frozen=True)
class Cost:
    """Seconds to fuse a megapixel of two exposures on this machine, and the size of the weights."""

    seconds_per_mp: float = field(metadata={"meaning": "seconds per megapixel"})
    parameters: int = field(metadata={"meaning": "weights"})
    size_bytes: int = field(metadata={"meaning": "bytes of weights"})


COSTS: dict[str, str] = {cost.name: cost.metadata["meaning"] for cost in fields(Cost)}
"""What each cost is, by its name. All are better lower, and guarded as a share of the champion's."""


def measure_costs(*models: Network) -> list[Cost]:
    """The cost of each model.

    The models take turns and the fastest of their rounds counts, so that other work on the machine, which can only
    slow them down, hits all of them alike. Times compare within one call only.
    """
    frames = _pair()
    seconds = [[_seconds(model, frames) for model in models] for _ in range(1 + ROUNDS)][1:]  # the first round warms up
    return [Cost(min(times), *_size(model)) for model, times in zip(models, zip(*seconds, strict=True), strict=True)]


def _pair() -> list[Image]:
    bright = np.random.default_rng(0).integers(0, 256, (HEIGHT_PX, WIDTH_PX, 3), dtype=np.uint8)
    return [bright // 4, bright]


def _seconds(model: Network, frames: list[Image]) -> float:
    start = time.perf_counter()
    fuse(frames, model=model)
    return (time.perf_counter() - start) / (WIDTH_PX * HEIGHT_PX / 1e6)


def _size(model: Network) -> tuple[int, int]:
    tensors = list(model.state_dict().values())
    return sum(tensor.numel() for tensor in tensors), sum(tensor.numel() * tensor.element_size() for tensor in tensors)
