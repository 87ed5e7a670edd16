"""Processes that train one network together: which part of a batch each has, and what all the parts amount to."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from deepfuse.errors import DeepfuseError
from deepfuse.model import Network

BACKENDS = {"cpu": "gloo", "cuda": "nccl"}


@dataclass(frozen=True)
class Part:
    """What one process has of a batch.

    The losses hold means and shares over the whole batch, which are no mean of those of its parts: so the parts'
    statistics are put together first. What is put together has the value of the whole and, for this process's share of
    it, `processes` times the gradient: then the mean over the processes, which is what `DistributedDataParallel` takes
    of the gradients, is the gradient of the whole, also where the parts are not equally large.

    Attributes:
        rows: which patches of the batch; where there are fewer than processes, the first one stands in for none.
        counted: how many of them count, 0 or all.
        patches: of the whole batch.
        processes: that have a part.
    """

    rows: slice
    counted: int
    patches: int
    processes: int

    def mean(self, values: Tensor) -> Tensor:
        """Means over this part to means over the whole batch, each value for itself."""
        return values if self.processes == 1 else self._together(values * (self.counted / self.patches))

    def sum(self, values: Tensor) -> Tensor:
        """Sums over this part to sums over the whole batch, each value for itself."""
        return values if self.processes == 1 else self._together(values * min(self.counted, 1))

    def _together(self, values: Tensor) -> Tensor:
        whole = values.detach().clone()
        dist.all_reduce(whole)
        return whole + self.processes * (values - values.detach())


@dataclass(frozen=True)
class Team:
    """The processes that train together, as one of them sees them: its number, from 0, and how many there are.

    >>> [Team(rank, 3).part(8).rows for rank in range(3)]
    [slice(0, 2, None), slice(2, 5, None), slice(5, 8, None)]
    """

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process is the one that writes and shows."""
        return self.rank == 0

    def part(self, patches: int) -> Part:
        """What this process has of a batch of so many patches; they differ by one patch at most."""
        start, stop = (patches * rank // self.size for rank in (self.rank, self.rank + 1))
        return Part(slice(start, stop) if start < stop else slice(0, 1), stop - start, patches, self.size)

    def wrap(self, model: Network) -> nn.Module:
        """The network whose backward pass leaves the same gradients in all processes.

        A quality uses some of the weights; the others must have no gradient, as in one process, for Adam to leave them.
        """
        return model if self.size == 1 else DistributedDataParallel(model, find_unused_parameters=True)


ALONE = Team()
WHOLE = ALONE.part(1)  # of any batch: its statistics are the whole's


def own_device(device: torch.device) -> torch.device:
    """The device of this process: of CUDA devices, each process of a machine has one.

    Raises:
        DeepfuseError: there are fewer.
    """
    if device.type != "cuda" or not dist.is_torchelastic_launched():
        return device
    own, processes = (int(os.environ[name]) for name in ("LOCAL_RANK", "LOCAL_WORLD_SIZE"))
    if processes > (devices := torch.cuda.device_count()):
        raise DeepfuseError(f"train.processes: expected {devices} at most, one a CUDA device, got {processes}")
    torch.cuda.set_device(own)
    return torch.device("cuda", own)


@contextmanager
def joined(device: torch.device) -> Iterator[Team]:
    """The team of this process, in touch with each other; where torchrun has not started it, it is alone.

    After an error nothing is put in order: the others may be waiting for this process, and are ended with it.
    """
    if not dist.is_torchelastic_launched():
        yield ALONE
        return
    dist.init_process_group(BACKENDS[device.type], device_id=device if device.type == "cuda" else None)
    yield Team(dist.get_rank(), dist.get_world_size())
    dist.destroy_process_group()
