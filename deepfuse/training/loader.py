"""Batches of patches on the device that trains: kept there whole where they fit, streamed where they do not."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from deepfuse.training.patch_set import PatchSet
from deepfuse.training.team import ALONE, WHOLE, Part, Team

RESIDENT_SHARE = 0.5  # of the free memory; network and loss need the rest
UPLOAD_PATCHES = 256  # copied at once: enough to keep the bus busy
Stack = tuple[Tensor, Tensor]  # bytes of luma, and means


class Batch(NamedTuple):
    """Luma (B, K, size, size) and the whole pictures' means (B, K), both from 0 to 1, in float32.

    They are a part of the batch, where others learn from the rest of it.
    """

    frames: Tensor
    means: Tensor
    part: Part = WHOLE


class Loader:
    """The patches of a set, in batches on a device.

    Args:
        patches: the set.
        batch_size: patches a batch, of which each process of the team has its part; the last one of each K may be
            smaller. The order of the batches and what they hold are the same for teams of any size.
        device: where the batches are wanted.
        team: the processes that learn from them together.
        most: patches that a pass takes at most, in whole batches, but one at least; `None` for all.
        resident: whether the whole set stays on the device, as bytes; `None` means on CUDA, where it takes less than
            half of the free memory. Then a batch costs no copy and no wait for the host.
    """

    def __init__(
        self,
        patches: PatchSet,
        batch_size: int,
        device: torch.device,
        team: Team = ALONE,
        *,
        most: int | None = None,
        resident: bool | None = None,
    ) -> None:
        self._patches = patches
        self._batch_size = batch_size
        self._device = device
        self._team = team
        self._count = patches.batch_count(batch_size)
        if most is not None:
            self._count = min(self._count, max(1, most // batch_size))
        resident = _fits(patches, device) if resident is None else resident
        self._stacks = _upload(patches, device) if resident else None

    def __len__(self) -> int:
        return self._count

    def batches(self, seed: int | None) -> Iterator[Batch]:
        """Every patch once, or as many as a pass takes; the seed fixes the order, and `None` keeps the file's."""
        return islice(self._all(seed), self._count)

    def _all(self, seed: int | None) -> Iterator[Batch]:
        if self._stacks is None:
            for batch in self._patches.batches(self._batch_size, seed=seed, most=self._count * self._batch_size):
                part = self._team.part(len(batch[0]))
                luma, means = (torch.from_numpy(of[part.rows]).to(self._device, non_blocking=True) for of in batch)
                yield Batch(luma.float() / 255, means, part)
            return
        for (luma, means), rows in self._order(self._stacks, seed):
            part = self._team.part(len(rows))
            own = rows[part.rows]
            yield Batch(luma[own].float() / 255, means[own], part)

    def _order(self, stacks: list[Stack], seed: int | None) -> list[tuple[Stack, Tensor]]:
        """The batches of one pass: a stack, and which of its rows; all indices travel to the device at once."""
        rng = None if seed is None else np.random.default_rng(seed)
        order: list[tuple[Stack, Tensor]] = []
        for stack in stacks:
            count = len(stack[0])
            rows = np.arange(count) if rng is None else rng.permutation(count)
            parts = torch.split(torch.from_numpy(rows).to(self._device), self._batch_size)
            order += [(stack, part) for part in parts]
        return order if rng is None else [order[index] for index in rng.permutation(len(order))]


def _fits(patches: PatchSet, device: torch.device) -> bool:
    return device.type == "cuda" and patches.pixel_count < RESIDENT_SHARE * torch.cuda.mem_get_info(device)[0]


def _upload(patches: PatchSet, device: torch.device) -> list[Stack]:
    """All patches on the device, one stack (n, K, size, size) of bytes, and its means, for each K."""
    parts: dict[int, list[Stack]] = {}
    for luma, means in patches.batches(UPLOAD_PATCHES):
        part = torch.from_numpy(luma).to(device), torch.from_numpy(means).to(device)
        parts.setdefault(luma.shape[1], []).append(part)
    return [
        (torch.cat([luma for luma, _ in parts[k]]), torch.cat([means for _, means in parts[k]])) for k in sorted(parts)
    ]
