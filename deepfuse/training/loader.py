"""Batches of patches on the device that trains: kept there whole where they fit, streamed where they do not."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from deepfuse.training.patches import PatchSet

RESIDENT_SHARE = 0.5  # of the free memory; network and loss need the rest
UPLOAD_PATCHES = 256  # copied at once: enough to keep the bus busy


Batch = tuple[Tensor, Tensor]


class Loader:
    """The patches of a set, in batches (B, K, size, size) of luma and (B, K) of the whole pictures' means, both from
    0 to 1, in float32 on a device.

    Args:
        patches: the set.
        batch_size: patches a batch; the last one of each K may be smaller.
        device: where the batches are wanted.
        resident: whether the whole set stays on the device, as bytes; `None` means on CUDA, where it takes less than
            half of the free memory. Then a batch costs no copy and no wait for the host.
    """

    def __init__(
        self, patches: PatchSet, batch_size: int, device: torch.device, *, resident: bool | None = None
    ) -> None:
        self._patches = patches
        self._batch_size = batch_size
        self._device = device
        resident = _fits(patches, device) if resident is None else resident
        self._stacks = _upload(patches, device) if resident else None

    def __len__(self) -> int:
        return self._patches.batch_count(self._batch_size)

    def batches(self, seed: int | None) -> Iterator[Batch]:
        """Every patch once; the seed fixes the order, and `None` keeps the file's."""
        if self._stacks is None:
            for batch in self._patches.batches(self._batch_size, seed=seed):
                luma, means = (torch.from_numpy(part).to(self._device, non_blocking=True) for part in batch)
                yield luma.float() / 255, means
            return
        for (luma, means), rows in self._order(self._stacks, seed):
            yield luma[rows].float() / 255, means[rows]

    def _order(self, stacks: list[Batch], seed: int | None) -> list[tuple[Batch, Tensor]]:
        """The batches of one pass: a stack, and which of its rows; all indices travel to the device at once."""
        rng = None if seed is None else np.random.default_rng(seed)
        order: list[tuple[Batch, Tensor]] = []
        for stack in stacks:
            count = len(stack[0])
            rows = np.arange(count) if rng is None else rng.permutation(count)
            parts = torch.split(torch.from_numpy(rows).to(self._device), self._batch_size)
            order += [(stack, part) for part in parts]
        return order if rng is None else [order[index] for index in rng.permutation(len(order))]


def _fits(patches: PatchSet, device: torch.device) -> bool:
    return device.type == "cuda" and patches.pixel_count < RESIDENT_SHARE * torch.cuda.mem_get_info(device)[0]


def _upload(patches: PatchSet, device: torch.device) -> list[Batch]:
    """All patches on the device, one stack (n, K, size, size) of bytes, and its means, for each K."""
    parts: dict[int, list[Batch]] = {}
    for luma, means in patches.batches(UPLOAD_PATCHES):
        part = torch.from_numpy(luma).to(device), torch.from_numpy(means).to(device)
        parts.setdefault(luma.shape[1], []).append(part)
    return [
        (torch.cat([luma for luma, _ in parts[k]]), torch.cat([means for _, means in parts[k]])) for k in sorted(parts)
    ]
