"""Planes at half and at twice the size: of tensors that learn, and of arrays that stay in the processor's cache.

Both kinds stand here because both must mean the same: the network is trained with the one and fuses with the other.
"""

from __future__ import annotations

from collections.abc import Sequence
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
        return torch.from_numpy(halve(planes.numpy())) if _plain(planes) else F.avg_pool2d(planes, 2)
    height, width = planes.shape[-2:]
    return _each(planes, (width // 2, height // 2), cv2.INTER_AREA)


def double(planes: Planes) -> Planes:
    """Planes (..., H, W) at twice the size, bilinear; a picture's rows have the same bits alone as among all."""
    if isinstance(planes, Tensor):
        return torch.from_numpy(double(planes.numpy())) if _plain(planes) else _double_tensor(planes)
    height, width = planes.shape[-2:]
    return _each(planes, (2 * width, 2 * height), cv2.INTER_LINEAR)


def _plain(planes: Tensor) -> bool:
    """Whether OpenCV may take planes (N, C, H, W) as they lie, in a third of torch's time for one picture.

    Then what trains and what fuses have the same bits; local contrast magnifies the last of bright flat places. Batches
    that are trained on go to torch, which is faster for those.
    """
    here = planes.device.type == "cpu" and planes.dtype == torch.float32 and planes.stride(-1) == 1
    return here and not planes.requires_grad and (len(planes) == 1 or not torch.is_grad_enabled())


def _double_tensor(planes: Tensor) -> Tensor:
    """By torch's own, which rounds by the number of pixels, but not where all channels of a pixel lie together."""
    if _sorted_in_torch(planes):
        return _double_by_slices(planes)
    if planes.stride(1) == 1:
        planes = planes.contiguous(memory_format=torch.channels_last)
    return F.interpolate(planes, scale_factor=2, mode="bilinear", align_corners=False)


def _sorted_in_torch(planes: Tensor) -> bool:
    """Whether torch's own sorts all pixels for a gradient: on CUDA, where training must be the same each time."""
    return planes.device.type != "cpu" and torch.are_deterministic_algorithms_enabled()


def _double_by_slices(planes: Tensor) -> Tensor:
    """The same from shifted planes, whose gradients are sums: in float32, in the layout and type of `planes`."""
    wide = widened(planes.float())
    for axis in (2, 3):
        before, after = (wide.narrow(axis, start, wide.shape[axis] - 1) for start in (0, 1))
        count = before.shape[axis] - 1
        even = torch.lerp(before.narrow(axis, 0, count), after.narrow(axis, 0, count), 0.75)
        odd = torch.lerp(before.narrow(axis, 1, count), after.narrow(axis, 1, count), 0.25)
        wide = torch.stack((even, odd), axis + 1).flatten(axis, axis + 1)
    layout = torch.channels_last if planes.stride(1) == 1 else torch.contiguous_format
    return wide.to(planes.dtype).contiguous(memory_format=layout)


def _each(planes: Array, size: tuple[int, int], method: int) -> Array:
    """Each plane in another size (width, height)."""
    resized = np.empty((*planes.shape[:-2], size[1], size[0]), np.float32)
    for index in np.ndindex(planes.shape[:-2]):
        cv2.resize(planes[index], size, dst=resized[index], interpolation=method)
    return resized


def widened(planes: Tensor) -> Tensor:
    """Planes (N, C, H, W) and a pixel more on each side, in which their edges go on."""
    if not _sorted_in_torch(planes):
        return F.pad(planes, (1, 1, 1, 1), mode="replicate")
    for axis in (2, 3):
        first, last = (planes.narrow(axis, place, 1) for place in (0, planes.shape[axis] - 1))
        planes = torch.cat((first, planes, last), axis)
    return planes


def rectified(planes: Tensor) -> Tensor:
    """The positive part of planes (N, C, H, W), and a pixel more on each side, in which their edges go on."""
    if planes.requires_grad:
        return widened(torch.relu_(planes))
    n, c, height, width = planes.shape
    wide = planes.new_empty((n, height + 2, width + 2, c))
    torch.clamp_min(planes.movedim(1, -1), 0, out=wide[:, 1:-1, 1:-1])
    return _with_edges(wide)


def beside(planes: Sequence[Tensor]) -> Tensor:
    """C planes (N, K, H, W) as channels of each exposure, (N·K, C, H + 2, W + 2), channels last; edges go on."""
    if not all(_plain(plane) for plane in planes):
        return widened(torch.stack(list(planes), -1).flatten(0, 1).movedim(-1, 1))
    n, k, height, width = planes[0].shape
    wide = np.empty((n * k, height + 2, width + 2, len(planes)), np.float32)
    for inner, *channels in zip(wide[:, 1:-1, 1:-1], *(plane.flatten(0, 1).numpy() for plane in planes), strict=True):
        cv2.merge(channels, dst=inner)
    return _with_edges(torch.from_numpy(wide))


def _with_edges(wide: Tensor) -> Tensor:
    """Let the edges of planes (N, H + 2, W + 2, C) go on in the pixel around them; seen as (N, C, H + 2, W + 2)."""
    for axis in (2, 1):
        last = wide.shape[axis] - 1
        wide.select(axis, 0).copy_(wide.select(axis, 1))
        wide.select(axis, last).copy_(wide.select(axis, last - 1))
    return wide.movedim(-1, 1)
