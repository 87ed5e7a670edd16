"""Planes at half and at twice the size: of tensors that learn, and of arrays that stay in the processor's cache.

Both kinds stand here because both must mean the same: the network is trained with the one and fuses with the other.
"""

from __future__ import annotations

from typing import TypeVar

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

Array = NDArray[np.float32]
Planes = TypeVar("Planes", Tensor, Array)


def halve(planes: Planes) -> Planes:
    """Planes (..., H, W) at half the size, by means of 2 × 2; H and W are even."""
    if isinstance(planes, Tensor):
        return F.avg_pool2d(planes, 2)
    height, width = planes.shape[-2:]
    return _each(planes, (width // 2, height // 2), cv2.INTER_AREA)


def halve_exposures(luma: Tensor) -> Tensor:
    """Exposures (N, K, H, W) at half the size, to the bits that fusing makes of them.

    Local contrast magnifies the last bit of bright flat places, so on a processor OpenCV halves them here, too, unless
    somebody wants their gradients.
    """
    plain = luma.device.type == "cpu" and luma.dtype == torch.float32 and not luma.requires_grad
    return torch.from_numpy(halve(luma.numpy())) if plain else halve(luma)


def double(planes: Planes) -> Planes:
    """Planes (..., H, W) at twice the size, bilinear."""
    if isinstance(planes, Tensor):
        return _double_tensor(planes)
    height, width = planes.shape[-2:]
    return _each(planes, (2 * width, 2 * height), cv2.INTER_LINEAR)


def _each(planes: Array, size: tuple[int, int], method: int) -> Array:
    """Each plane in another size (width, height)."""
    resized = np.empty((*planes.shape[:-2], size[1], size[0]), np.float32)
    for index in np.ndindex(planes.shape[:-2]):
        cv2.resize(planes[index], size, dst=resized[index], interpolation=method)
    return resized


def _double_tensor(planes: Tensor) -> Tensor:
    """By torch's own, whose last bit depends on how many pixels there are, or in float32 by sums where it does not."""
    if planes.requires_grad or planes.dtype != torch.float32:
        return F.interpolate(planes, scale_factor=2, mode="bilinear", align_corners=False)
    for axis in (2, 3):
        size = planes.shape[axis]
        before, after = (planes.narrow(axis, start, size - 1) for start in (0, 1))
        first, last = planes.narrow(axis, 0, 1), planes.narrow(axis, size - 1, 1)
        near = 0.75 * planes
        left = torch.cat([first, before], axis).mul_(0.25).add_(near)
        right = torch.cat([after, last], axis).mul_(0.25).add_(near)
        planes = torch.stack([left, right], axis + 1).flatten(axis, axis + 1)
    return planes
