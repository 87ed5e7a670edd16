"""MEF-SSIMc: how much of the colour, contrast and brightness of all exposures a fused picture keeps.

Source: K. Ma, Z. Duanmu, H. Yeganeh, Z. Wang, "Multi-Exposure Image Fusion by Optimizing A Structural Similarity
Index", IEEE TCI 4(1), 2018, doi:10.1109/TCI.2017.2786138. A patch of 8×8 pixels is one vector of 192 values: its mean
is the intensity l, the norm of the rest the contrast c, and its direction the structure s. Wanted are the largest
contrast, the structure of Σ cᵏ⁴ sᵏ, and the mean of lᵏ weighted by exp(−(μₖ − .5)²/2σg² − (lₖ − .5)²/2σl²), where μₖ is
the mean of frame k. Structures that cancel exactly leave nothing wanted but the intensity.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from deepfuse.color import Image, to_float
from deepfuse.metrics.pictures import check_pictures
from deepfuse.metrics.windows import box_sum, central, products, quadratic_form, tile_mean
from deepfuse.threads import side_by_side

WINDOW_PX = 8  # of the paper, as are the colours in one vector
VALUES = 3 * WINDOW_PX**2
# The same authors' patch-wise fusion: Ma et al., IEEE TIP 26(5), 2017, doi:10.1109/TIP.2017.2671921.
STRENGTH_EXPONENT = 4
MID_GREY = 0.5
SIGMA_GLOBAL = 0.2
SIGMA_LOCAL = 0.5
# SSIM: Wang et al., IEEE TIP 13(4), 2004, doi:10.1109/TIP.2003.819861, for values from 0 to 1.
LUMINANCE_STABILISER = 0.01**2
CONTRAST_STABILISER = 0.03**2
ROUNDING = 1e-12  # of a sum of squares over a window, in float64
TILE_PX = (64, 512)  # height and width in windows: the moments of a few frames stay in the processor's cache


def mef_ssim_c(frames: Sequence[Image], fused: Image) -> float:
    """MEF-SSIMc, a single-scale MEF-SSIM of colour patches that also compares their mean intensity; 1 is best.

    Args:
        frames: K ≥ 2 exposures of 8 pixels or more each way, as `check_pictures` wants them.
        fused: the fused picture.

    Returns:
        The mean over all valid windows, at most 1.

    Raises:
        ValueError: pictures that `check_pictures` refuses, or under 8 pixels high or wide.
        TypeError: pixels of another dtype.

    Source: see the module.

    >>> grey = np.full((8, 8, 3), 0.5, np.float32)
    >>> round(mef_ssim_c([grey, grey], grey), 6)
    1.0
    >>> round(mef_ssim_c([grey, grey], grey + np.float32(0.25)), 4)  # (2·.5·.75 + .0001) / (.5² + .75² + .0001)
    0.9231
    """
    return _mean_quality(frames, fused, _color_quality)


def mef_ssim_c_luminance(frames: Sequence[Image], fused: Image) -> float:
    """The factor of MEF-SSIMc that compares the mean intensity alone; 1 is best.

    Args:
        frames: K ≥ 2 exposures of 8 pixels or more each way, as `check_pictures` wants them.
        fused: the fused picture.

    Returns:
        The mean over all valid windows, at most 1.

    Raises:
        ValueError: pictures that `check_pictures` refuses, or under 8 pixels high or wide.
        TypeError: pixels of another dtype.

    Source: see the module.

    >>> grey = np.full((8, 8, 3), 0.5, np.float32)
    >>> round(mef_ssim_c_luminance([grey, grey], grey + np.float32(0.25)), 4)
    0.9231
    """
    return _mean_quality(frames, fused, _intensity_quality)


Quality = Callable[[Tensor, Tensor], Tensor]
"""Of each window: (3, K, H, W), (3, 1, H, W) → (1, h, w)."""


def _mean_quality(frames: Sequence[Image], fused: Image, quality_of: Callable[[Tensor], Quality]) -> float:
    check_pictures(frames, fused)
    if min(fused.shape[:2]) < WINDOW_PX:
        raise ValueError(f"expected {WINDOW_PX} or more pixels each way, got {fused.shape[:2]}")
    pixels = torch.from_numpy(np.stack([to_float(picture) for picture in (*frames, fused)])).permute(3, 0, 1, 2)
    means = pixels[:, :-1].mean(dim=(0, 2, 3), dtype=torch.float64)[None, :, None, None]
    quality = quality_of(torch.exp(-(means - MID_GREY).square() / (2 * SIGMA_GLOBAL**2)))
    with torch.no_grad(), side_by_side() as run:
        return float(tile_mean(quality, pixels[:, :-1], pixels[:, -1:], window_px=WINDOW_PX, tile_px=TILE_PX, run=run))


def _intensity_quality(prior: Tensor) -> Quality:
    """The similarity of the intensities; `prior` weighs the frames, (1, K, 1, 1)."""

    def quality(frames: Tensor, fused: Tensor) -> Tensor:
        means, mean_fused = (_color_sum(x.to(torch.float64)) / VALUES for x in (frames, fused))
        return _intensity_similarity(means, mean_fused[:, 0], prior)

    return quality


def _color_quality(prior: Tensor) -> Quality:
    """MEF-SSIMc; `prior` weighs the frames, (1, K, 1, 1)."""

    def quality(frames: Tensor, fused: Tensor) -> Tensor:
        k = frames.shape[1]
        frames, fused = (x.to(torch.float64, memory_format=torch.contiguous_format) for x in (frames, fused))
        sums = _color_sum(frames, products(frames))
        sums_fused = _color_sum(fused, fused.square(), frames * fused)
        wanted, square = _wanted_structure(central(sums, k, VALUES), k)
        covariance = (wanted * (sums_fused[:, 2:] - sums[:, :k] * sums_fused[:, :1] / VALUES)).sum(1)
        square_fused = sums_fused[:, 1] - sums_fused[:, 0].square() / VALUES
        structure = (2 * covariance / VALUES + CONTRAST_STABILISER) / (
            (square + square_fused) / VALUES + CONTRAST_STABILISER
        )
        return structure * _intensity_similarity(sums[:, :k] / VALUES, sums_fused[:, 0] / VALUES, prior)

    return quality


def _color_sum(*channels: Tensor) -> Tensor:
    """Sums over each window and the three colours: any of (3, ·, H, W), in a row → (1, ·, h, w)."""
    return box_sum(torch.cat(channels, 1), WINDOW_PX).sum(0, keepdim=True)


def _wanted_structure(gram: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The wanted patch without its mean, as coefficients of the frames' (1, K, h, w), and its sum of squares."""
    contrast = gram[:, :k].clamp(min=0).sqrt()
    largest = contrast.amax(1, keepdim=True)
    direction = (contrast / largest.clamp(min=ROUNDING)) ** (STRENGTH_EXPONENT - 1)
    length = quadratic_form(direction, gram)[:, None]
    square = torch.where(length > ROUNDING, largest.square(), 0)
    return direction * (square / length.clamp(min=ROUNDING)).sqrt(), square[:, 0]


def _intensity_similarity(intensities: Tensor, fused: Tensor, prior: Tensor) -> Tensor:
    """SSIM's luminance term between the wanted mean intensity and the fused one, (1, h, w)."""
    weight = prior * torch.exp(-(intensities - MID_GREY).square() / (2 * SIGMA_LOCAL**2))
    wanted = (weight * intensities).sum(1) / weight.sum(1)
    return (2 * wanted * fused + LUMINANCE_STABILISER) / (wanted.square() + fused.square() + LUMINANCE_STABILISER)
