"""Start the processes that train together, as torchrun does; what ends one of them ends all, and says what it was."""

from __future__ import annotations

import os
import threading
import time
import uuid
from collections.abc import Callable
from tempfile import TemporaryDirectory
from typing import Any

import torch
import torch.distributed as dist

from deepfuse.errors import DeepfuseError

AGENT_S = 5.0  # by then the launcher has noticed who died first
LOOK_S = 1.0


def together(work: Callable[..., object], *args: object, processes: int) -> None:
    """Do `work` in so many processes of this machine: in this one if it is one, or one that torchrun has started.

    Args:
        work: a function that can be pickled.
        args: of it.
        processes: how many; torchrun's number counts where it has started this process.

    Raises:
        DeepfuseError: a process failed or was killed; the message is of the first that did.
    """
    from torch.distributed.elastic.multiprocessing.errors import record

    if dist.is_torchelastic_launched():
        record(_one_of_several)(work, *args)
    elif processes == 1:
        work(*args)
    else:
        _launch(processes, work, *args)


def _launch(processes: int, *call: Any) -> None:
    """What `torchrun --standalone` does, but the processes stay in the process group of this one and end with it."""
    from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    with TemporaryDirectory(prefix="deepfuse-") as folder:
        config = LaunchConfig(
            min_nodes=1,
            max_nodes=1,
            nproc_per_node=processes,
            run_id=str(uuid.uuid4()),
            rdzv_backend="c10d",
            rdzv_endpoint="localhost:0",
            max_restarts=0,
            logs_specs=DefaultLogsSpecs(log_dir=folder),
        )
        try:
            elastic_launch(config, _one_of_several)(*call)
        except ChildFailedError as error:
            rank, failure = error.get_first_failure()
            said = failure.message["message"] if isinstance(failure.message, dict) else failure.message
            raise DeepfuseError(f"process {rank} of {processes}, from 0: {said}") from None


def _one_of_several(work: Callable[..., object], *args: object) -> None:
    """Do the work with this process's share of the cores, and end with the launcher, however that ends."""
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    if "OMP_NUM_THREADS" not in os.environ:  # torchrun sets it, and says so
        torch.set_num_threads(max(1, torch.get_num_threads() // int(os.environ["LOCAL_WORLD_SIZE"])))
    try:
        work(*args)
    except RuntimeError:  # another's end may be the cause: then this process is ended before it speaks
        time.sleep(AGENT_S)
        raise


def _end_with(launcher: int) -> None:
    """Also where this process waits in a library for another: nothing of it is worth an orderly end."""
    while os.getppid() == launcher:
        time.sleep(LOOK_S)
    os._exit(1)
