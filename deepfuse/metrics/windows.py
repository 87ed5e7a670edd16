"""Sliding windows over pictures: sums, inner products of all channels, and a mean over the picture by tiles."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from deepfuse.threads import Run

Corner = tuple[int, int]


def box_sum(x: Tensor, size_px: int) -> Tensor:
    """Sum over every valid square window of each channel, by doubling: 11 = 1 + 2 + 8 takes 5 additions a side.

    (N, C, H, W) → (N, C, H − size + 1, W − size + 1).
    """
    for axis in (2, 3):
        length = x.shape[axis] - size_px + 1
        total, covered, width = None, 0, 1
        while width <= size_px:
            if size_px & width:
                part = x.narrow(axis, covered, length)
                total = part if total is None else total + part
                covered += width
            if 2 * width <= size_px:
                rest = x.shape[axis] - width
                x = x.narrow(axis, 0, rest) + x.narrow(axis, width, rest)
            width *= 2
        x = x if total is None else total
    return x


def weighted_sum(x: Tensor, weights: Iterable[float]) -> Tensor:
    """Sum over every valid window of each channel, weighted alike along both axes.

    As shifted sums, which is faster than convolution here. (N, C, H, W) → (N, C, H − n + 1, W − n + 1) for n weights.
    """
    first, *others = weights
    for axis in (2, 3):
        length = x.shape[axis] - len(others)
        total = x.narrow(axis, 0, length) * first
        for offset, weight in enumerate(others, start=1):
            total.add_(x.narrow(axis, offset, length), alpha=weight)
        x = total
    return x


def products(x: Tensor) -> Tensor:
    """Products of every two channels: the K squares, then each pair once; (N, K, h, w) → (N, K(K + 1)/2, h, w)."""
    pairs = itertools.combinations(range(x.shape[1]), 2)
    return torch.cat([x.square(), *(x[:, i : i + 1] * x[:, j : j + 1] for i, j in pairs)], 1)


def central(sums: Tensor, k: int, weight: float) -> Tensor:
    """Sums of products of deviations from the window's mean, in the order of `products`.

    Args:
        sums: over each window of K channels and then of their products, (N, K + K(K + 1)/2, h, w).
        k: K.
        weight: the sum of the window's weights.
    """
    return sums[:, k:] - products(sums[:, :k]) / weight


def full_sum(matrix: Tensor, k: int) -> Tensor:
    """Sum of all K² elements of a symmetric matrix in the order of `products`, (N, h, w)."""
    return matrix[:, :k].sum(1) + 2 * matrix[:, k:].sum(1)


def quadratic_form(coefficients: Tensor, matrix: Tensor) -> Tensor:
    """Σᵢⱼ aᵢ aⱼ mᵢⱼ of a symmetric matrix in the order of `products`, (N, h, w)."""
    return full_sum(products(coefficients) * matrix, coefficients.shape[1])


def tile_mean(
    quality: Callable[[Tensor, Tensor], Tensor],
    frames: Tensor,
    fused: Tensor,
    *,
    window_px: int,
    tile_px: tuple[int, int],
    run: Run = map,
) -> Tensor:
    """Mean over all windows, by tiles: memory does not grow with the picture, and what is in use stays in cache.

    Args:
        quality: of every window of a tile: (N, K, H, W), (N, C, H, W) → (M, H − window + 1, W − window + 1), where M
            is N or 1.
        frames: (N, K, H, W).
        fused: (N, C, H, W).
        window_px: side of a window.
        tile_px: height and width of a tile, in windows.
        run: `map`, or one that runs tiles side by side.
    """
    size = [side - window_px + 1 for side in fused.shape[2:]]

    def total(corner: Corner) -> Tensor:
        ends = (min(start + tile, side) for start, tile, side in zip(corner, tile_px, size, strict=True))
        rows, columns = (slice(start, end + window_px - 1) for start, end in zip(corner, ends, strict=True))
        return quality(frames[:, :, rows, columns], fused[:, :, rows, columns]).mean(0).sum()

    corners = itertools.product(range(0, size[0], tile_px[0]), range(0, size[1], tile_px[1]))
    return torch.stack(list(run(total, corners))).sum() / (size[0] * size[1])
