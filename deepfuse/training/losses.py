"""What training makes small: 1 − MEF-SSIM, and a distance from a wanted brightness, to which MEF-SSIM is blind."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deepfuse.metrics.mef_ssim import check_scales, product_of, scale_means
from deepfuse.metrics.mef_ssim_c import LUMINANCE_STABILISER, MID_GREY, SIGMA_GLOBAL, SIGMA_LOCAL
from deepfuse.training.team import WHOLE, Part

LUMINANCE_PX = 16  # two windows of MEF-SSIMc: what is finer is structure, which MEF-SSIM sees
HALO_PX = 8  # means over that many pixels: a halo is wider
HALO_EDGE_PX, HALO_SCENE_PX = 10, 40  # sigmas: 1 % of the longer side of what is trained on, and what a patch holds


class MEFSSIMLoss(nn.Module):
    """1 − MEF-SSIM of a batch, differentiable in the fused pictures; 0 is best.

    Args:
        scales: 1 (as in the DeepFuse paper) to 3.

    >>> frames = torch.rand(1, 2, 32, 32)
    >>> round(float(MEFSSIMLoss()(frames[:, :1].expand(1, 2, -1, -1), frames[:, :1])), 4)
    0.0
    """

    def __init__(self, scales: int = 1) -> None:
        super().__init__()
        self.scales = scales

    def forward(self, frames: Tensor, fused: Tensor, part: Part = WHOLE) -> Tensor:
        """The loss of a batch, a scalar in float32 (float64 for float64 input), also under autocast.

        Args:
            frames: luma of the exposures, (N, K, H, W) from 0 to 1.
            fused: luma of the fused pictures, (N, 1, H, W) from 0 to 1.
            part: what these are of the batch.

        Raises:
            ValueError: shapes that do not fit, or patches too small for the scales.
        """
        if frames.shape[0] != fused.shape[0] or frames.shape[2:] != fused.shape[2:] or fused.shape[1] != 1:
            raise ValueError(f"expected frames (N, K, H, W) and fused (N, 1, H, W), got {frames.shape}, {fused.shape}")
        check_scales(fused.shape[2:], self.scales)
        precision = torch.float64 if fused.dtype == torch.float64 else torch.float32
        with torch.autocast(fused.device.type, enabled=False):
            means = scale_means(255 * frames.to(precision), 255 * fused.to(precision), scales=self.scales)
            return 1 - product_of(part.mean(means))


def luminance_error(frames: Tensor, fused: Tensor, means: Tensor, part: Part = WHOLE) -> Tensor:
    """How far the fused picture is from a wanted brightness, both seen coarsely: 1 − SSIM's luminance term.

    MEF-SSIM is blind to luminance: alone it lets large regions drift to any grey, trade places in brightness and grow
    halos. The wanted brightness is the reference intensity of MEF-SSIMc: the mean of the exposures weighted by how
    near each whole picture's mean, and each place's, is to middle grey. So a night stays dark if one exposure shows it
    so, and highlights stay below clipping where one holds them.

    Args:
        frames: (N, K, H, W) luma from 0 to 1.
        fused: (N, 1, H, W) luma.
        means: of the whole pictures' luma, (N, K).
        part: what these are of the batch.

    Returns:
        A scalar, of the whole batch.

    Source: K. Ma et al., IEEE TCI 4(1), 2018, doi:10.1109/TCI.2017.2786138, equations of the intensity.

    >>> frames = torch.tensor([0.25, 0.75]).view(1, 2, 1, 1).expand(1, 2, 32, 32)
    >>> means = torch.tensor([[0.25, 0.75]])
    >>> round(float(luminance_error(frames, frames.mean(1, keepdim=True), means)), 4)
    0.0
    """
    size = min(LUMINANCE_PX, *fused.shape[2:])
    here, got = (F.avg_pool2d(planes, size, stride=size // 2) for planes in (frames, fused))
    prior = _near_middle(means, SIGMA_GLOBAL)[..., None, None]
    weight = prior * _near_middle(here, SIGMA_LOCAL)
    wanted = (weight * here).sum(1, keepdim=True) / weight.sum(1, keepdim=True)
    squares = wanted.square() + got.square() + LUMINANCE_STABILISER
    return part.mean(((wanted - got).square() / squares).mean())


def _near_middle(values: Tensor, sigma: float) -> Tensor:
    return torch.exp(-(values - MID_GREY).square() / (2 * sigma**2))


def halo_error(frames: Tensor, fused: Tensor, part: Part = WHOLE) -> Tensor:
    """Share of the change across the scene's edges that runs the wrong way: `metrics.halo` for patches, 0 is best.

    Args:
        frames: (N, K, H, W) luma from 0 to 1.
        fused: (N, 1, H, W) luma.
        part: what these are of the batch.

    Returns:
        A scalar, of the whole batch.
    """
    scene, got = (F.avg_pool2d(planes, HALO_PX) for planes in (frames.mean(1, keepdim=True), fused))
    edge_px, wide_px = HALO_EDGE_PX / HALO_PX, HALO_SCENE_PX / HALO_PX
    wide = _gradient(_smooth(scene, wide_px))
    rise = (_gradient(_smooth(got, edge_px)) * wide).sum(1)
    ascends = (_gradient(_smooth(scene, edge_px)) * wide).sum(1) >= 0
    wrong, change = part.sum(torch.stack([(F.relu(-rise) * ascends).sum(), rise.abs().sum()]))
    share: Tensor = wrong / change.clamp(min=1e-6)
    return share


def _gradient(planes: Tensor) -> Tensor:
    """Gradient (N, 2, H, W) of (N, 1, H, W) by central differences."""
    padded = F.pad(planes, (1, 1, 1, 1), mode="replicate")
    dx = padded[:, :, 1:-1, 2:] - padded[:, :, 1:-1, :-2]
    dy = padded[:, :, 2:, 1:-1] - padded[:, :, :-2, 1:-1]
    return torch.cat([dx, dy], 1)


def _smooth(planes: Tensor, sigma_px: float) -> Tensor:
    """Planes (N, 1, H, W) smoothed by a Gaussian."""
    radius = min(math.ceil(3 * sigma_px), *(size - 1 for size in planes.shape[2:]))
    offsets = torch.arange(-radius, radius + 1, device=planes.device, dtype=planes.dtype)
    kernel = torch.exp(-(offsets / sigma_px).square() / 2)
    kernel = kernel / kernel.sum()
    planes = F.conv2d(F.pad(planes, (radius, radius, 0, 0), mode="reflect"), kernel.view(1, 1, 1, -1))
    return F.conv2d(F.pad(planes, (0, 0, radius, radius), mode="reflect"), kernel.view(1, 1, -1, 1))
