"""MEF-SSIM: how much of the structure of all exposures a fused picture keeps.

Source: K. Ma, K. Zeng, Z. Wang, "Perceptual Quality Assessment for Multi-Exposure Image Fusion",
IEEE TIP 24(11), 2015, doi:10.1109/TIP.2015.2442920. Every local term is a quadratic form of window
moments, so box and Gaussian filters are enough: nothing is unfolded.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from deepfuse.color import check_range

WINDOW_PX = 11
AREA_PX = WINDOW_PX**2
SIGMA_PX = 1.5
STABILISER = (0.03 * 255) ** 2
STRENGTH_OFFSET = 0.001
LARGEST_EXPONENT = 10.0
SCALE_EXPONENTS = (0.0448, 0.2856, 0.3001)
GREY_WEIGHTS = (0.298936021293775, 0.587043074451121, 0.114020904255103)
STRIP_PX = 64


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

    RGB becomes grey by MATLAB's rgb2gray weights, without its rounding to whole levels.
    """
    if len(frames) < 2:
        raise ValueError(f"expected 2 or more frames, got {len(frames)}")
    greys = torch.stack([_grey(frame) for frame in frames])
    fused_grey = _grey(fused)
    if {grey.shape for grey in greys} != {fused_grey.shape}:
        raise ValueError(f"expected a fused picture of {tuple(greys.shape[1:])}, got {tuple(fused_grey.shape)}")
    _check_scales(fused_grey.shape, scales)
    with torch.no_grad():
        return float(_product(_scale_means(greys[None], fused_grey[None, None], scales)))


class MEFSSIMLoss(nn.Module):
    """1 − MEF-SSIM of a batch, differentiable in the fused pictures; 0 is best.

    Args:
        scales: 1 (as in the DeepFuse paper) to 3.
    """

    def __init__(self, scales: int = 1) -> None:
        super().__init__()
        self.scales = scales

    def forward(self, frames: Tensor, fused: Tensor) -> Tensor:
        """The loss of a batch, a scalar in float32 (float64 for float64 input), also under autocast.

        Args:
            frames: luma of the exposures, (N, K, H, W) from 0 to 1.
            fused: luma of the fused pictures, (N, 1, H, W) from 0 to 1.

        Raises:
            ValueError: shapes that do not fit, or patches too small for the scales.
        """
        if frames.shape[0] != fused.shape[0] or frames.shape[2:] != fused.shape[2:] or fused.shape[1] != 1:
            raise ValueError(f"expected frames (N, K, H, W) and fused (N, 1, H, W), got {frames.shape}, {fused.shape}")
        _check_scales(fused.shape[2:], self.scales)
        precision = torch.float64 if fused.dtype == torch.float64 else torch.float32
        with torch.autocast(fused.device.type, enabled=False):
            means = _scale_means(255 * frames.to(precision), 255 * fused.to(precision), self.scales)
            return 1 - _product(means)


def _grey(image: NDArray[Any]) -> Tensor:
    """(H, W) in float64 from 0 to 255."""
    image = np.asarray(image)
    if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] != 3):
        raise ValueError(f"expected a picture of (H, W) or (H, W, 3), got {image.shape}")
    check_range(image)
    scale = 1.0 if image.dtype == np.float32 else np.iinfo(image.dtype).max
    grey = image.astype(np.float64)
    if image.ndim == 3:
        grey = grey @ np.array(GREY_WEIGHTS)
    return torch.from_numpy(grey * (255 / scale))


def _check_scales(size: Sequence[int], scales: int) -> None:
    if not 1 <= scales <= len(SCALE_EXPONENTS):
        raise ValueError(f"expected 1 to {len(SCALE_EXPONENTS)} scales, got {scales}")
    smallest = min(size)
    for _ in range(scales - 1):
        smallest = math.ceil(smallest / 2)
    if smallest < WINDOW_PX:
        raise ValueError(f"expected {WINDOW_PX} or more pixels at scale {scales}, got {smallest} of {tuple(size)}")


def _scale_means(frames: Tensor, fused: Tensor, scales: int) -> list[Tensor]:
    """The mean quality at each scale; `frames` (N, K, H, W) and `fused` (N, 1, H, W) from 0 to 255."""
    means = [_mean_quality(frames, fused)]
    for _ in range(scales - 1):
        frames, fused = _halve(frames), _halve(fused)
        means.append(_mean_quality(frames, fused))
    return means


def _product(means: list[Tensor]) -> Tensor:
    """Weighted geometric mean over scales; a single scale passes unchanged."""
    if len(means) == 1:
        return means[0]
    exponents = means[0].new_tensor(SCALE_EXPONENTS[: len(means)])
    logs = torch.stack(means).clamp(min=torch.finfo(exponents.dtype).tiny).log()
    return (exponents * logs).sum().div(exponents.sum()).exp()


def _halve(x: Tensor) -> Tensor:
    """Mean of 2×2 with symmetric padding, every second pixel (MATLAB's imfilter and 1:2:end)."""
    return F.avg_pool2d(F.pad(x, (0, x.shape[3] % 2, 0, x.shape[2] % 2), mode="replicate"), 2)


def _mean_quality(frames: Tensor, fused: Tensor) -> Tensor:
    """Mean of the quality map, by strips of rows so that memory does not grow with the picture's height."""
    height = fused.shape[2] - WINDOW_PX + 1
    total = fused.new_zeros(())
    for top in range(0, height, STRIP_PX):
        rows = slice(top, min(top + STRIP_PX, height) + WINDOW_PX - 1)
        total = total + quality_map(frames[:, :, rows], fused[:, :, rows]).sum()
    return total / (fused.shape[0] * height * (fused.shape[3] - WINDOW_PX + 1))


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
    wanted = _wanted_patch(frames)
    mean, mean_fused = _smooth(frames), _smooth(fused)
    variance_fused = _smooth(fused.square()) - mean_fused.square()
    covariance = (wanted * (_smooth(frames * fused) - mean * mean_fused)).sum(1)
    variance = _wanted_variance(wanted, frames, mean)
    return (2 * covariance + STABILISER) / (variance + variance_fused[:, 0] + STABILISER)


def _wanted_patch(frames: Tensor) -> Tensor:
    """The strength-weighted mean of the structures at the largest strength, as coefficients of the centred patches.

    (N, K, H, W) → (N, K, H − 10, W − 10).
    """
    gram = _gram(frames)
    norm = gram.diagonal(dim1=1, dim2=2).movedim(-1, 1).sqrt()  # (N, K, h, w)
    strength = norm + STRENGTH_OFFSET
    eps = torch.finfo(torch.float64).eps
    consistency = (gram.sum(dim=(1, 2)).clamp(min=0).sqrt() + eps) / (norm.sum(1) + eps)
    exponent = torch.tan(consistency.clamp(max=1 - 1e-6) * (math.pi / 2)).clamp(max=LARGEST_EXPONENT)
    weight = (strength / WINDOW_PX) ** exponent[:, None] + eps
    direction = weight / weight.sum(1, keepdim=True) / strength
    length = torch.einsum("nihw,nijhw,njhw->nhw", direction, gram, direction)
    cancelled = length <= _rounding(frames) * direction.sum(1).square()  # structures that oppose each other exactly
    gain = strength.amax(1) / length.clamp(min=torch.finfo(length.dtype).tiny).sqrt()
    return direction * gain.masked_fill(cancelled, 0)[:, None]


def _gram(frames: Tensor) -> Tensor:
    """Inner products of centred patches (N, K, K, h, w), exactly zero for a flat one: no rounding noise."""
    total = _box_sum(frames)
    n, k, h, w = total.shape
    gram = total.new_empty(n, k, k, h, w)
    for i in range(k):
        for j in range(i, k):
            product = _box_sum(frames[:, i : i + 1] * frames[:, j : j + 1])[:, 0]
            gram[:, i, j] = gram[:, j, i] = product - total[:, i] * total[:, j] / AREA_PX
    structured = gram.diagonal(dim1=1, dim2=2).movedim(-1, 1) > _rounding(frames)
    return gram * (structured[:, :, None] & structured[:, None])


def _rounding(frames: Tensor) -> float:
    """The error of a box sum of squared grey levels."""
    return 4 * torch.finfo(frames.dtype).eps * AREA_PX * 255**2


def _wanted_variance(wanted: Tensor, frames: Tensor, mean: Tensor) -> Tensor:
    """Gaussian variance of the wanted patch, Σᵢⱼ aᵢ aⱼ covᵢⱼ, (N, h, w)."""
    total = torch.zeros_like(wanted[:, 0])
    for i in range(wanted.shape[1]):
        for j in range(i, wanted.shape[1]):
            product = _smooth((frames[:, i] * frames[:, j])[:, None])[:, 0]
            total += (1 if i == j else 2) * wanted[:, i] * wanted[:, j] * (product - mean[:, i] * mean[:, j])
    return total.clamp(min=0)


def _box_sum(x: Tensor) -> Tensor:
    """Sum over every valid 11×11 window of each channel."""
    return _filter(x, (1.0,) * WINDOW_PX)


def _smooth(x: Tensor) -> Tensor:
    """Gaussian mean over every valid 11×11 window of each channel."""
    bell = [math.exp(-((offset - WINDOW_PX // 2) ** 2) / (2 * SIGMA_PX**2)) for offset in range(WINDOW_PX)]
    return _filter(x, [weight / sum(bell) for weight in bell])


def _filter(x: Tensor, kernel: Sequence[float]) -> Tensor:
    """Separable 'valid' correlation of each channel of (N, C, H, W), as shifted sums: faster than convolution here."""
    for axis in (2, 3):
        length = x.shape[axis] - len(kernel) + 1
        shifted = [x.narrow(axis, offset, length) for offset in range(len(kernel))]
        total = shifted[0] * kernel[0]
        for part, weight in zip(shifted[1:], kernel[1:], strict=True):
            total = torch.add(total, part, alpha=weight)
        x = total
    return x


class _CallableModule(ModuleType):
    """`deepfuse.mef_ssim` names this module and, called, its metric: Python binds both to one attribute."""

    __call__ = staticmethod(mef_ssim)


sys.modules[__name__].__class__ = _CallableModule
