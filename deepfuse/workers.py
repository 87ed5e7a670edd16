"""Worker processes, one scene at a time each: one that crashes, hangs or eats memory costs its scene, not the run."""

from __future__ import annotations

import multiprocessing
import os
import re
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import TimeoutError
from pathlib import Path
from typing import TypeVar

from deepfuse.errors import DeepfuseError
from deepfuse.heap import give_back_memory, keep_freed_memory, memory_limit
from deepfuse.quiet import quiet_libraries

JOBS = "DEEPFUSE_JOBS"
_THREADS = "OMP_NUM_THREADS OPENBLAS_NUM_THREADS OPENCV_FOR_THREADS_NUM TIFFFILE_NUM_THREADS".split()
_SAID = {"openmp": ("OMP_NUM_THREADS",), "blas": ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")}  # which ask for a number
_CGROUP_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)


T = TypeVar("T")
R = TypeVar("R")


def run_scenes(
    tasks: Sequence[T],
    work: Callable[[T], R],
    *,
    refuse: Callable[[T, str], R],
    jobs: int,
    memory_gb: float | None = None,
    seconds: Callable[[T], float] | None = None,
) -> Iterator[R]:
    """Do the work of each scene in one of `jobs` spawned processes.

    Args:
        tasks: what `work` is called with, one for each scene; they can be pickled.
        work: a function that can be pickled; an error it raises ends the run.
        refuse: makes the result of a task whose worker failed, from the task and the reason.
        jobs: how many processes; each takes its share of the cores as threads.
        memory_gb: what a process may hold, in 10⁹ bytes; `None` for no limit of its own. Linux alone keeps it: Windows
            has no such limit, and macOS does not count what is mapped.
        seconds: how long a task may take.

    Yields:
        The results in the order of the tasks.
    """
    from pebble import ProcessExpired, ProcessPool  # slow, and a single picture needs it not

    limit = allowed_memory(memory_gb)
    spawn = multiprocessing.get_context("spawn")
    pool = ProcessPool(jobs, initializer=_start_worker, initargs=(limit, max(1, _cores() // jobs)), context=spawn)
    try:
        allowed = [seconds(task) if seconds else None for task in tasks]
        futures = [pool.schedule(_do, (work, task), timeout=s) for task, s in zip(tasks, allowed, strict=True)]
        for task, future, s in zip(tasks, futures, allowed, strict=True):
            try:
                yield future.result()
            except ProcessExpired as error:
                yield refuse(task, crash(error.exitcode or 0, "them"))
            except MemoryError:
                yield refuse(task, out_of_memory(limit))
            except TimeoutError:
                yield refuse(task, f"took longer than {s:g} s")
    finally:
        pool.stop()  # type: ignore[no-untyped-call]
        pool.join()


def worker_count(tasks: int, need_bytes: float) -> int:
    """How many workers to start: `DEEPFUSE_JOBS`, or as many as cores, tasks and memory allow.

    Raises:
        DeepfuseError: `DEEPFUSE_JOBS` is no whole number of 1 or more.
    """
    wanted = os.environ.get(JOBS, "")
    if not re.fullmatch(r"([1-9]\d*)?", wanted):
        raise DeepfuseError(f"{JOBS}: expected a whole number of 1 or more, got '{wanted}'")
    if wanted:
        return int(wanted)
    return max(1, min(tasks, _cores(), int(available_memory() // need_bytes)))


def available_memory() -> float:
    """Bytes of memory that are free for this process: the machine's, or less where its control group has less."""
    import psutil  # slow, and a single picture needs it not

    limits = [path.read_text().strip() for path in _CGROUP_LIMITS if path.is_file()]
    return min([float(psutil.virtual_memory().available), *(float(text) for text in limits if text != "max")])


def allowed_memory(memory_gb: float | None) -> float | None:
    """The bytes that a process may hold of so many 10⁹: no more than are free, or than this one may have."""
    return min(memory_gb * 1e9, available_memory(), memory_limit()) if memory_gb else None


def out_of_memory(limit_bytes: float | None) -> str:
    """How a process ended that asked for more memory than it may have."""
    return f"needed more than {limit_bytes / 1e9:.1f} GB of memory" if limit_bytes else "not enough memory"


def crash(code: int, what: str = "it") -> str:
    """How a process ended that should not have."""
    return f"the process that read {what} crashed ({signal.Signals(-code).name if code < 0 else f'exit code {code}'})"


def _start_worker(limit_bytes: float | None, threads: int) -> None:
    """Limit what this process may allocate, how many threads it takes and what it prints; end it with its parent."""
    if limit_bytes:
        limit_memory(int(limit_bytes))
    keep_freed_memory()
    _limit_threads(threads)
    quiet_libraries()
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _do(work: Callable[[T], R], task: T) -> R:
    try:
        return work(task)
    except MemoryError:
        pass
    finally:
        give_back_memory()
    raise MemoryError  # another one, for the traceback of that one holds what was too much


def limit_memory(limit_bytes: int) -> None:
    """Let this process allocate no more than so many bytes, where the system keeps such a limit."""
    try:
        import resource
    except ImportError:  # Windows
        return
    limit = int(min(limit_bytes, memory_limit()))
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def _limit_threads(count: int) -> None:
    """Let the numerical libraries of this process use `count` threads, unless the user says otherwise.

    Those that are not loaded yet, or look when they first need threads, read the environment; the others came with the
    parent's main module, before this function.
    """
    from threadpoolctl import threadpool_limits  # here alone: to import it changes the environment

    for kind, names in _SAID.items():
        if not any(name in os.environ for name in names):
            threadpool_limits(count, kind)
    for name in _THREADS:
        os.environ.setdefault(name, str(count))


def _end_with_parent() -> None:
    """Also where this process hangs in a library: nothing of it is worth an orderly end."""
    if parent := multiprocessing.parent_process():
        parent.join()
    os._exit(1)


def _cores() -> int:
    """The cores that this process may use, where the system tells, else all."""
    import psutil

    process = psutil.Process()
    return len(process.cpu_affinity()) if hasattr(process, "cpu_affinity") else os.cpu_count() or 1
