"""What a Dask cluster on this machine costs a scene, beside processes of this program's own.

Two kinds of scenes: empty ones, and ones that compute for a while. Both engines do them in turn, several times, with 1,
2 and 4 single-thread workers; what is shown is the median of the elapsed time once all processes are at work, and the
processor time of all together. Elapsed time is noisy where machines are shared: trust the ratios, and
processor time more. Then many empty scenes: what the scheduler and this process hold after more and more of them.
"""

from __future__ import annotations

import argparse
import hashlib
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from deepfuse.engine import each_scene

DASK = Path(sys.executable).parent / "dask"
compute = partial(hashlib.pbkdf2_hmac, "sha256", b"a scene", b"of no use")  # so many rounds


@dataclass(frozen=True)
class Took:
    """Of one scene, in milliseconds."""

    elapsed: float
    processor: float


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, default=300, help="empty ones each time; a tenth of them that compute")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2, 4])
    parser.add_argument("--rounds", type=int, default=400_000, help="of hashing in a scene that computes")
    parser.add_argument("--many", type=int, default=20_000, help="empty scenes of the last part; 0 leaves it out")
    options = parser.parse_args()
    print(f"{'':34}{'here':>22}{'cluster':>22}{'ratio':>16}")
    for workers in options.workers:
        with cluster(workers) as (address, _):
            compare(address, "empty", abs, [0] * options.scenes, workers, options.repeats)
            scenes = [options.rounds] * max(8 * workers, options.scenes // 10)
            compare(address, "computing", compute, scenes, workers, options.repeats)
    if options.many:
        with cluster(2) as (address, scheduler):
            grow(address, scheduler, options.many)


def compare(
    address: str, name: str, work: Callable[[Any], object], tasks: list[int], workers: int, repeats: int
) -> None:
    """One line: a scene by this machine's own processes and by the cluster."""
    here, there = [], []
    for _ in range(repeats):
        here.append(timed(work, tasks, workers, jobs=workers))
        there.append(timed(work, tasks, workers, cluster=address))
    own, its = (Took(median(ones, "elapsed"), median(ones, "processor")) for ones in (here, there))
    shown = "".join(f"{one.elapsed:9.1f}{one.processor:9.1f} cpu" for one in (own, its))
    ratio = f"{its.elapsed / own.elapsed:8.2f}{its.processor / own.processor:8.2f}"
    print(f"{workers} workers, {name:9} scenes, ms each {shown}{ratio}", flush=True)


def median(ones: list[Took], name: str) -> float:
    """Of one of the two times."""
    return statistics.median(getattr(one, name) for one in ones)


def timed(work: Callable[[Any], object], tasks: list[int], workers: int, **engine: Any) -> Took:
    """A scene's share of a run, without the start of the processes and their end."""
    results = each_scene(tasks, work, refuse=stop, **engine)
    started = 4 * workers
    for _ in range(started):
        next(results)
    elapsed, processor, count = time.perf_counter(), processor_s(), len(tasks) - started - 1
    for _ in range(count):
        next(results)
    took = Took(time.perf_counter() - elapsed, processor_s() - processor)
    list(results)
    return Took(1e3 * took.elapsed / count, 1e3 * took.processor / count)


def stop(task: int, why: str) -> None:
    """No scene fails here."""
    raise RuntimeError(why)


def processor_s() -> float:
    """Of this process and all that it started."""
    this = psutil.Process()
    total = 0.0
    for process in (this, *this.children(recursive=True)):
        try:
            total += sum(process.cpu_times()[:2])
        except psutil.NoSuchProcess:
            continue
    return total


def grow(address: str, scheduler: psutil.Process, count: int) -> None:
    """What the scheduler and this process hold on the way through many scenes."""
    steps = {0, count // 4, count // 2, count - 1}
    started = time.perf_counter()
    for number, _ in enumerate(each_scene([0] * count, abs, refuse=stop, cluster=address)):
        if number in steps:
            held = " and ".join(f"{one.memory_info().rss / 1e6:.0f} MB" for one in (scheduler, psutil.Process()))
            used = " and ".join(f"{sum(one.cpu_times()[:2]):.1f} s" for one in (scheduler, psutil.Process()))
            after = time.perf_counter() - started
            print(f"{number + 1:6} scenes, {after:5.0f} s: scheduler and client hold {held}, used {used}", flush=True)


@contextmanager
def cluster(workers: int) -> Iterator[tuple[str, psutil.Process]]:
    """A scheduler and workers of one thread on this machine: the address and the scheduler."""
    with tempfile.TemporaryDirectory() as folder:
        where = ["--scheduler-file", f"{folder}/scheduler.json", "--no-dashboard"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        commands = [["scheduler", "--host", "127.0.0.1", "--port", "0", *where]]
        commands += [["worker", *where, "--nthreads", "1", "--local-directory", folder]] * workers
        processes = [subprocess.Popen([DASK, *command], **quiet) for command in commands]  # type: ignore[call-overload]
        try:
            yield ready(Path(folder) / "scheduler.json", workers), psutil.Process(processes[0].pid)
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait()


def ready(file: Path, workers: int) -> str:
    """The scheduler's address, once all workers are there."""
    from distributed import Client

    while not file.exists():
        time.sleep(0.1)
    with Client(scheduler_file=str(file), set_as_default=False) as client:
        client.wait_for_workers(workers)
        return str(client.scheduler.address)


if __name__ == "__main__":
    main()
