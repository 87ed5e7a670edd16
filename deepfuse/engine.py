"""Where scenes are worked on: in processes of this machine, or on a Dask cluster that one setting names."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NoReturn, TypeVar

from deepfuse.errors import DeepfuseError
from deepfuse.workers import run_scenes

CLUSTER = "DEEPFUSE_CLUSTER"

T = TypeVar("T")
R = TypeVar("R")


def each_scene(
    tasks: Sequence[T],
    work: Callable[[T], R],
    *,
    refuse: Callable[[T, str], R],
    kept: Callable[[T], R | None] = lambda task: None,
    jobs: int | None = None,
    memory_gb: float | None = None,
    seconds: Callable[[T], float] | None = None,
    out: Path = Path(),
    cluster: str | None = None,
) -> Iterator[R]:
    """Do the work of each scene, each in a process that it may crash, hang or swell at its own cost.

    Args:
        tasks: what `work` is called with, one for each scene; they can be pickled, and are small: frames go as paths.
        work: a function of a module that can be pickled; an error it raises ends the run.
        refuse: makes the result of a task whose process failed, from the task and the reason.
        kept: the result of a task where it is there from an earlier run, without work; no process is started for it.
        jobs: how many processes of this machine; `None` for this one alone, with all its threads. A cluster has as many
            as it has threads of its workers.
        memory_gb: what a process may hold, in 10⁹ bytes; `None` for no limit of its own.
        seconds: how long a task may take in another process.
        out: a folder that the work writes to.
        cluster: the address of a Dask scheduler, or `DEEPFUSE_CLUSTER`; without either, this machine does it.

    Returns:
        The results in the order of the tasks, as they come.
    """
    found = [kept(task) for task in tasks]
    new = [task for task, result in zip(tasks, found, strict=True) if result is None]
    address = cluster_named(cluster)
    if address and new:
        from deepfuse.cluster import run_on_cluster

        made = run_on_cluster(address, new, work, refuse=refuse, memory_gb=memory_gb, seconds=seconds, out=out)
    elif jobs is None or not new:
        made = map(work, new)
    else:
        made = run_scenes(new, work, refuse=refuse, jobs=min(jobs, len(new)), memory_gb=memory_gb, seconds=seconds)
    return (next(made) if result is None else result for result in found)


def cluster_named(address: str | None = None) -> str | None:
    """The cluster that works on scenes: `address`, or what `DEEPFUSE_CLUSTER` says; `None` for this machine."""
    return address or os.environ.get(CLUSTER) or None


def indispensable(task: object, why: str) -> NoReturn:
    """To refuse a scene without which the run is worth nothing."""
    raise DeepfuseError(f"scene {getattr(task, 'scene', task)}: {why}")
