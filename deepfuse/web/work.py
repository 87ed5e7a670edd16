"""The pictures to be made, one after the other, in processes that stay: begun, paused, gone on with, watched."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from deepfuse.batch import Job, Outcome, fail, fuse_set, sole_batch
from deepfuse.errors import DeepfuseError
from deepfuse.resident import Resident, ResidentError

MEMORY_GB = 16.0  # of a process: nine frames of 60 megapixels take 12
SECONDS = 300.0  # of a set, for each of its frames


@dataclass(frozen=True)
class Progress:
    """Where the work is: ids of sets that wait and are made, what came of those that ended, seconds that are left.

    `left_s` is `None` while no set has ended yet. `refused` says why nothing is made, where another batch works there.
    """

    waiting: tuple[str, ...]
    making: tuple[str, ...]
    ended: dict[str, Outcome]
    paused: bool
    left_s: float | None
    refused: str


class Work:
    """Makes pictures of sets in an output folder.

    Args:
        output: the folder, held for this process while something is made, as by `deepfuse batch`.
        jobs: how many sets at the same time.
    """

    def __init__(self, output: Path, jobs: int) -> None:
        self._output, self._jobs = output, jobs
        self._waiting: deque[Job] = deque()
        self._making: dict[str, float] = {}
        self._ended: dict[str, Outcome] = {}
        self._took: list[float] = []
        self._refused = ""
        self._lock = threading.Condition()
        self._paused = self._closed = False
        self._processes: dict[int, Resident] = {}
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def add(self, jobs: Iterable[Job], *, first: bool = False) -> None:
        """Have sets made, behind those that wait or before them; one that waits already is made as said last."""
        with self._lock:
            jobs = list(jobs)
            named = {job.scene for job in jobs}
            rest = [job for job in self._waiting if job.scene not in named]
            self._waiting = deque([*jobs, *rest] if first else [*rest, *jobs])
            for scene in named:
                self._ended.pop(scene, None)
            self._paused = self._paused and not first
            self._refused = ""
            self._lock.notify_all()

    def pause(self) -> None:
        """Begin no other set; those that are made are made to their end."""
        with self._lock:
            self._paused = True
            self._lock.notify_all()

    def resume(self) -> None:
        """Go on."""
        with self._lock:
            self._paused, self._refused = False, ""
            self._lock.notify_all()

    def drop(self) -> None:
        """Forget the sets that wait."""
        with self._lock:
            self._waiting.clear()

    def progress(self) -> Progress:
        """Where the work is now."""
        with self._lock:
            left = None
            if self._took:
                mean = sum(self._took) / len(self._took)
                left = mean * (len(self._waiting) + len(self._making) / 2) / self._jobs
            waiting = tuple(job.scene for job in self._waiting)
            return Progress(waiting, tuple(self._making), dict(self._ended), self._paused, left, self._refused)

    def close(self) -> None:
        """End at once: what is half made leaves nothing under its final name."""
        with self._lock:
            self._closed = True
            self._lock.notify_all()
            for process in self._processes.values():
                process.close()

    def _run(self) -> None:
        while True:
            with self._lock:
                self._lock.wait_for(lambda: self._closed or (bool(self._waiting) and not self._paused))
                if self._closed:
                    return
            try:
                with sole_batch(self._output), ThreadPoolExecutor(self._jobs) as pool:
                    list(pool.map(self._drain, range(self._jobs)))
            except (DeepfuseError, OSError) as error:
                with self._lock:
                    self._paused, self._refused = True, str(error)

    def _drain(self, number: int) -> None:
        """Make one set after the other in the process of this number until none waits."""
        while (job := self._next()) is not None:
            begun = time.monotonic()
            outcome = self._made(job, number)
            with self._lock:
                del self._making[job.scene]
                if not self._closed:
                    self._ended[job.scene] = outcome
                    self._took.append(time.monotonic() - begun)

    def _next(self) -> Job | None:
        with self._lock:
            if self._closed or self._paused or not self._waiting:
                return None
            job = self._waiting.popleft()
            self._making[job.scene] = time.monotonic()
            return job

    def _made(self, job: Job, number: int) -> Outcome:
        with self._lock:
            process = self._processes.get(number)
            if process is None:
                process = self._processes[number] = Resident(memory_gb=MEMORY_GB, seconds=None)
        try:
            return process.ask(fuse_set, job, seconds=SECONDS * len(job.files))
        except ResidentError as error:
            return fail(job, str(error))
