"""What training makes small: 1 − MEF-SSIM, and a distance from a wanted brightness, to which MEF-SSIM is blind."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deepfuse.metrics.mef_ssim import check_scales, mef_ssim_of

LUMINANCE_PX = 32  # three windows of MEF-SSIM: what is finer is structure, which it sees
LUMINANCE_POWER = 0.75  # makes 0.5 of it 0.59: the mean of a wide bracket looks dim


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
        check_scales(fused.shape[2:], self.scales)
        precision = torch.float64 if fused.dtype == torch.float64 else torch.float32
        with torch.autocast(fused.device.type, enabled=False):
            return 1 - mef_ssim_of(255 * frames.to(precision), 255 * fused.to(precision), scales=self.scales)


def luminance_error(frames: Tensor, fused: Tensor) -> Tensor:
    """Mean squared distance of the fused picture from a wanted brightness, both seen coarsely.

    MEF-SSIM is blind to luminance: alone it lets large regions drift to any grey, trade places in brightness and
    grow halos. The wanted brightness lies half way between the mean of all exposures and the middle of the darkest
    and the brightest, made brighter by a power. Both rise wherever the scene gets brighter: the mean tells regions
    apart that are clipped in the extremes, the middle does not depend on how many exposures are dark. Means over
    32 × 32 pixels leave the structure to MEF-SSIM.

    Args:
        frames: (N, K, H, W) luma from 0 to 1.
        fused: (N, 1, H, W) luma.

    Returns:
        A scalar.

    >>> frames = torch.full((1, 2, 32, 32), 0.5)
    >>> round(float(luminance_error(frames, frames[:, :1])), 4)  # (.5 − .5^.75)²
    0.0089
    """
    middle = (frames.amin(1, keepdim=True) + frames.amax(1, keepdim=True)) / 2
    level = (middle + frames.mean(1, keepdim=True)) / 2
    size = min(LUMINANCE_PX, *fused.shape[2:])
    wanted = F.avg_pool2d(level**LUMINANCE_POWER, size, stride=size // 2)
    return F.mse_loss(F.avg_pool2d(fused, size, stride=size // 2), wanted)
