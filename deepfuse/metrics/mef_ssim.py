"""MEF-SSIM: how much of the structure of all exposures a fused picture keeps.

Source: K. Ma, K. Zeng, Z. Wang, "Perceptual Quality Assessment for Multi-Exposure Image Fusion",
IEEE TIP 24(11), 2015, doi:10.1109/TIP.2015.2442920. Every local term is a quadratic form of window
moments, so box and Gaussian filters are enough: nothing is unfolded.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from deepfuse.color import check_range
from deepfuse.metrics.windows import (
    box_sum,
    central,
    full_sum,
    products,
    quadratic_form,
    tile_mean,
    weighted_sum,
)
from deepfuse.threads import Run, side_by_side

# The window, its Gaussian and the stabiliser are SSIM's: Wang et al., IEEE TIP 13(4), 2004, for values from 0 to 255.
WINDOW_PX = 11
WINDOW_AREA_PX = WINDOW_PX**2
SIGMA_PX = 1.5
STABILISER = (0.03 * 255) ** 2
# Of the authors' code: a flat patch has some strength, and a patch that is alike in all frames no infinite exponent.
STRENGTH_OFFSET = 0.001
LARGEST_EXPONENT = 10.0
# The first three of multi-scale SSIM: Wang, Simoncelli, Bovik, Asilomar 2003, doi:10.1109/ACSSC.2003.1292216.
SCALE_EXPONENTS = (0.0448, 0.2856, 0.3001)
# MATLAB's rgb2gray, which the authors' figures rest on: BT.601 with more digits than `color.LUMA`.
GREY_WEIGHTS = (0.298936021293775, 0.587043074451121, 0.114020904255103)
TILE_PX = (64, 512)  # height and width in windows: the moments of a few frames stay in the processor's cache
ROWS_AT_ONCE = 64  # of a picture that is made grey


def mef_ssim(frames: Sequence[NDArray[Any]], fused: NDArray[Any], *, scales: int = 3) -> float:
    """MEF-SSIM of a fused picture, in float64; 1 is best.

    Args:
        frames: K ≥ 2 aligned exposures, each (H, W) grey or (H, W, 3) sRGB-encoded RGB,
            in uint8, uint16 or float32 from 0 to 1.
        fused: the fused picture, of the frames' shape; its dtype may differ.
        scales: how many dyadic scales enter, 1 to 3.

    Returns:
        The mean over all valid windows; with several scales their weighted geometric mean,
        where a scale below zero counts as zero.

    Raises:
        ValueError: fewer than two frames, shapes that differ, floats that leave 0..1, `scales` out of range, or a
            picture under 11 pixels at the smallest scale.
        TypeError: any other dtype.

    RGB becomes grey by MATLAB's rgb2gray weights, without its rounding to whole levels. Source: see the module.

    >>> import numpy as np
    >>> from deepfuse import mef_ssim
    >>> steps = np.tile(np.linspace(0, 240, 48, dtype=np.uint8), (48, 1))
    >>> round(mef_ssim([steps // 4, steps], steps), 6)
    1.0
    >>> round(mef_ssim([steps // 4, steps], steps // 4), 4)
    0.5453
    """
    if len(frames) < 2:
        raise ValueError(f"expected 2 or more frames, got {len(frames)}")
    sizes = [_size(picture) for picture in (*frames, fused)]
    if len(set(sizes)) > 1:
        raise ValueError(f"expected pictures of one size, got frames of {sizes[:-1]} and a fused one of {sizes[-1]}")
    check_scales(sizes[0], scales)
    greys = np.empty((1, len(sizes), *sizes[0]))
    for picture, grey in zip((*frames, fused), greys[0], strict=True):
        _write_grey(picture, grey)
    levels = torch.from_numpy(greys)
    with torch.no_grad(), side_by_side() as run:
        return float(mef_ssim_of(levels[:, :-1], levels[:, -1:], scales=scales, run=run))


def mef_ssim_single(frames: Sequence[NDArray[Any]], fused: NDArray[Any]) -> float:
    """MEF-SSIM at full resolution alone, the finest of the three scales; 1 is best.

    Args:
        frames: as `mef_ssim` takes them, of 11 pixels or more each way.
        fused: the fused picture.

    Raises:
        ValueError: as of `mef_ssim`.
        TypeError: as of `mef_ssim`.

    >>> steps = np.tile(np.linspace(0, 240, 48, dtype=np.uint8), (48, 1))
    >>> round(mef_ssim_single([steps // 4, steps], steps // 4), 4)
    0.7267
    """
    return mef_ssim(frames, fused, scales=1)


def mef_ssim_of(frames: Tensor, fused: Tensor, *, scales: int, run: Run = map) -> Tensor:
    """MEF-SSIM of a batch, differentiable in the fused pictures.

    Args:
        frames: grey levels of the exposures, (N, K, H, W) from 0 to 255.
        fused: those of the fused pictures, (N, 1, H, W).
        scales: how many dyadic scales enter, 1 to 3.
        run: `map`, or one that runs tiles side by side.

    Returns:
        The mean over the batch, a scalar of the pictures' dtype.
    """
    return product_of(scale_means(frames, fused, scales=scales, run=run))


def scale_means(frames: Tensor, fused: Tensor, *, scales: int, run: Run = map) -> Tensor:
    """The mean quality over a batch at each scale, (scales,), of what `mef_ssim_of` takes."""
    means = [_mean_quality(frames, fused, run)]
    for _ in range(scales - 1):
        frames, fused = _next_scale(frames), _next_scale(fused)
        means.append(_mean_quality(frames, fused, run))
    return torch.stack(means)


def product_of(means: Tensor) -> Tensor:
    """MEF-SSIM of the mean qualities at each scale (scales,): their weighted geometric mean; one passes unchanged."""
    if len(means) == 1:
        return means[0]
    exponents = torch.stack([means.new_full((), exponent) for exponent in SCALE_EXPONENTS[: len(means)]])
    logs = means.clamp(min=torch.finfo(exponents.dtype).tiny).log()
    return (exponents * logs).sum().div(exponents.sum()).exp()


def _size(image: NDArray[Any]) -> tuple[int, int]:
    """Height and width of a picture that is fit to be scored."""
    if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] != 3):
        raise ValueError(f"expected a picture of (H, W) or (H, W, 3), got {image.shape}")
    check_range(image)
    return image.shape[0], image.shape[1]


def _write_grey(image: NDArray[Any], grey: NDArray[np.float64]) -> None:
    """Fill `grey` (H, W) from 0 to 255, by strips: a whole picture in float64 would be eight times that of uint8."""
    scale = 1.0 if image.dtype == np.float32 else np.iinfo(image.dtype).max
    weights = np.array(GREY_WEIGHTS if image.ndim == 3 else (1.0,)) * (255 / scale)
    channels = image.reshape(*grey.shape, len(weights))
    for top in range(0, len(grey), ROWS_AT_ONCE):
        rows = slice(top, top + ROWS_AT_ONCE)
        np.matmul(channels[rows].astype(np.float64), weights, out=grey[rows])


def check_scales(size: Sequence[int], scales: int) -> None:
    """Make sure that pictures (height, width) have a window at each of so many scales.

    Raises:
        ValueError: they are too small, or `scales` is not from 1 to 3.
    """
    if not 1 <= scales <= len(SCALE_EXPONENTS):
        raise ValueError(f"expected 1 to {len(SCALE_EXPONENTS)} scales, got {scales}")
    smallest = min(size)
    for _ in range(scales - 1):
        smallest = math.ceil(smallest / 2)
    if smallest < WINDOW_PX:
        raise ValueError(f"expected {WINDOW_PX} or more pixels at scale {scales}, got {smallest} of {tuple(size)}")


def _next_scale(x: Tensor) -> Tensor:
    """Mean of 2×2 with symmetric padding, every second pixel (MATLAB's imfilter and 1:2:end)."""
    odd = (0, x.shape[3] % 2, 0, x.shape[2] % 2)
    return F.avg_pool2d(F.pad(x, odd, mode="replicate") if any(odd) else x, 2)  # padding by nothing still copies


def _mean_quality(frames: Tensor, fused: Tensor, run: Run) -> Tensor:
    # A tile stays in the cache of a core; to start its operations would take CUDA longer than to do them.
    size = TILE_PX if fused.device.type == "cpu" else (fused.shape[2], fused.shape[3])
    return tile_mean(quality_map, frames, fused, window_px=WINDOW_PX, tile_px=size, run=run)


def quality_map(frames: Tensor, fused: Tensor) -> Tensor:
    """Quality of every valid 11×11 window at one scale.

    Args:
        frames: (N, K, H, W), 0 to 255.
        fused: (N, 1, H, W), 0 to 255.

    Returns:
        (N, H − 10, W − 10), at most 1.
    """
    centre = frames.detach().mean(dim=(1, 2, 3), keepdim=True)  # covariances do not change; rounding errors shrink
    frames, fused = frames.detach() - centre, fused - centre
    k = frames.shape[1]
    moments = torch.cat([frames, products(frames)], 1)
    wanted = _wanted_patch(box_sum(moments, WINDOW_PX), k)
    smooth = _smooth(moments)
    variance = quadratic_form(wanted, central(smooth, k, 1)).clamp(min=0)
    smooth_fused = _smooth(torch.cat([fused, fused.square(), frames * fused], 1))
    variance_fused = smooth_fused[:, 1] - smooth_fused[:, 0].square()
    covariance = (wanted * (smooth_fused[:, 2:] - smooth[:, :k] * smooth_fused[:, :1])).sum(1)
    quality: Tensor = (2 * covariance + STABILISER) / (variance + variance_fused + STABILISER)
    return quality


def _wanted_patch(sums: Tensor, k: int) -> Tensor:
    """The strength-weighted mean of the structures at the largest strength, as coefficients of the centred patches.

    Box sums of the frames and their products (N, K + K(K + 1)/2, h, w) → (N, K, h, w).
    """
    gram = central(sums, k, WINDOW_AREA_PX)  # inner products of centred patches
    rounding = (
        4 * torch.finfo(sums.dtype).eps * WINDOW_AREA_PX * 255**2
    )  # the error of a box sum of squared grey levels
    gram = gram * products((gram[:, :k] > rounding).to(gram.dtype))  # a flat patch holds no rounding noise
    norm = gram[:, :k].sqrt()
    strength = norm + STRENGTH_OFFSET
    eps = torch.finfo(torch.float64).eps
    consistency = (full_sum(gram, k).clamp(min=0).sqrt() + eps) / (norm.sum(1) + eps)
    exponent = torch.tan(consistency.clamp(max=1 - 1e-6) * (math.pi / 2)).clamp(max=LARGEST_EXPONENT)
    weight = (strength / WINDOW_PX) ** exponent[:, None] + eps
    direction = weight / weight.sum(1, keepdim=True) / strength
    length = quadratic_form(direction, gram)
    cancelled = length <= rounding * direction.sum(1).square()  # structures that oppose each other exactly
    gain = strength.amax(1) / length.clamp(min=torch.finfo(length.dtype).tiny).sqrt()
    return direction * gain.masked_fill(cancelled, 0)[:, None]


def _smooth(x: Tensor) -> Tensor:
    """Gaussian mean over every valid 11×11 window of each channel."""
    bell = [math.exp(-((offset - WINDOW_PX // 2) ** 2) / (2 * SIGMA_PX**2)) for offset in range(WINDOW_PX)]
    return weighted_sum(x, [weight / sum(bell) for weight in bell])
