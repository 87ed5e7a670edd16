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
        planes = _double_along(planes, axis)
    return planes


def _double_along(planes: Tensor, axis: int) -> Tensor:
    """Twice as many rows or columns, written where they belong: to put parts together takes four times as long."""
    size = planes.shape[axis]
    shape = [*planes.shape[:axis], 2 * size, *planes.shape[axis + 1 :]]
    near = 0.75 * planes
    layout = torch.contiguous_format if near.is_contiguous() else torch.channels_last
    doubled = torch.empty(shape, dtype=planes.dtype, device=planes.device, memory_format=layout)

    def write(place: Tensor, start: int, other: int, count: int) -> None:
        far = planes.narrow(axis, other, count)
        torch.add(near.narrow(axis, start, count), far, alpha=0.25, out=place.narrow(axis, start, count))

    before, after = torch.unflatten(doubled, axis, (size, 2)).unbind(axis + 1)
    write(before, 0, 0, 1)
    write(before, 1, 0, size - 1)
    write(after, 0, 1, size - 1)
    write(after, size - 1, size - 1, 1)
    return doubled
