"""Small pictures and networks made here."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from deepfuse.model import Network, build_model

Picture = NDArray[np.uint16]


def textured_radiance(height: int, width: int, seed: int = 0) -> NDArray[np.float32]:
    """Coloured blocks of many sizes under light that spans ten stops: (H, W, 3), linear."""
    rng = np.random.default_rng(seed)
    picture = np.ones((height, width, 3), np.float32)
    for _ in range(400):
        y, x = rng.integers(0, height), rng.integers(0, width)
        size = int(3 / np.sqrt(rng.uniform(0.002, 1)))
        picture[y : y + size, x : x + size] = rng.uniform(0.1, 1, 3)
    light = 2.0 ** np.linspace(-5, 5, width, dtype=np.float32)
    return picture * light[None, :, None] * 0.2


def expose(radiance: NDArray[np.float32], stops: float) -> Picture:
    """A noise-free frame in 16 bits, sRGB-encoded."""
    linear = np.clip(radiance * 2.0**stops, 0, 1)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.rint(encoded * 65535).astype(np.uint16)


def random_model(seed: int, arch: str = "paper", *, noise: float = 0.02) -> Network:
    """A network none of whose weights is zero: fresh ones only average."""
    torch.manual_seed(seed)
    model = build_model(arch).eval().requires_grad_(False)
    for parameter in model.parameters():
        parameter += noise * torch.randn_like(parameter)
    return model
