"""Scenes on a Dask cluster: tasks go to its workers as paths, and each worker has a process beside it that does them.

A Dask worker is no place for the work itself: what crashes or swells it takes its other results and its connection
along, nothing can end a thread that hangs, and one under a nanny may start no `multiprocessing` process. So it keeps a
`Resident`, a plain subprocess with the limits of the local engine, for as long as scenes of a run come.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from deepfuse.errand import PREFIX, Terms, obstacle, packed, perform, receive, terms_of_this_run, unpacked
from deepfuse.errors import DeepfuseError
from deepfuse.resident import Resident, ResidentError

if TYPE_CHECKING:
    from distributed import Client, Future, as_completed

WINDOW = 1000  # tasks that the scheduler knows at a time: enough for hundreds of workers, and no load
CONNECT_S = 10.0
IDLE_S = 60.0  # after which a worker's process ends, for no other run may come
WATCH_S = 1.0
THREADS = "OMP_NUM_THREADS OPENBLAS_NUM_THREADS OPENCV_FOR_THREADS_NUM TIFFFILE_NUM_THREADS".split()
_log = logging.getLogger(__name__)

T = TypeVar("T")
R = TypeVar("R")


def run_on_cluster(
    address: str,
    tasks: Sequence[T],
    work: Callable[[T], R],
    *,
    refuse: Callable[[T, str], R],
    memory_gb: float | None,
    seconds: Callable[[T], float] | None,
    out: Path,
) -> Iterator[R]:
    """The results of the tasks in their order, by the workers of the scheduler at `address`; see `engine.each_scene`.

    Raises:
        DeepfuseError: there is no Dask, the scheduler does not answer or went away, or a worker has other versions of
            what decides the bytes of a result, or does not share the folders.
    """
    with _connected(address) as client, terms_of_this_run(out) as terms:
        from distributed import as_completed

        finished = as_completed(loop=client.loop)  # type: ignore[no-untyped-call]
        todo, numbers = enumerate(tasks), dict[Any, int]()
        results: dict[int, R] = {}

        def send(count: int) -> None:
            for number, task in islice(todo, count):
                allowed = seconds(task) if seconds else None
                call, key = packed(work, task), f"deepfuse-{terms.run}-{number}"
                future = client.submit(do_scene, terms, call, memory_gb, allowed, key=key, pure=False)
                numbers[future] = number
                finished.add(future)  # type: ignore[no-untyped-call]

        send(WINDOW)
        for number in range(len(tasks)):
            while number not in results:
                for future, answer in _arrived(client, finished, address):
                    done = numbers.pop(future)
                    results[done] = _result(address, tasks[done], answer, refuse)
                send(WINDOW - len(numbers))
            yield results.pop(number)


@contextmanager
def _connected(address: str) -> Iterator[Client]:
    if not re.fullmatch(r"(tcp|tls|wss?)://[^/]+:\d+", address):
        raise DeepfuseError(f"cluster: expected an address such as tcp://HOST:8786, got '{address}'")
    try:
        from distributed import Client
    except ImportError as error:
        raise DeepfuseError(
            f"{address}: expected Dask, which is not installed: pip install 'deepfuse[cluster]'"
        ) from error
    try:
        client = Client(address, timeout=CONNECT_S, set_as_default=False, name="deepfuse")  # type: ignore[no-untyped-call]
    except OSError as error:
        raise DeepfuseError(f"{address}: expected a Dask scheduler, got no answer in {CONNECT_S:g} s") from error
    with client:
        if not client.nthreads():  # type: ignore[no-untyped-call]
            _log.warning("%s: no worker is there yet; waiting for one", address)
        yield client


def _arrived(client: Client, finished: as_completed, address: str) -> list[tuple[Future[Any], Any]]:
    """The futures that have ended by now, one or more, each with its result or error.

    They are fetched together: a worker answers few questions at a time, and puts the others off.
    """
    try:
        futures = finished.next_batch()  # type: ignore[no-untyped-call]
        whole = [future for future in futures if future.status != "error"]
        answers = dict(zip(whole, client.gather(whole), strict=True))  # type: ignore[no-untyped-call]
        return [(future, answers[future] if future in answers else future.exception()) for future in futures]
    except (CancelledError, OSError) as error:
        raise DeepfuseError(
            f"{address}: the scheduler went away; what is done is kept, another run goes on from there"
        ) from error


def _result(address: str, task: T, answer: Any, refuse: Callable[[T, str], R]) -> R:
    """What a task came to whose future has this result or error."""
    from distributed import KilledWorker

    if not isinstance(answer, Exception):
        return refuse(task, answer) if isinstance(answer, str) else unpacked(answer)
    if isinstance(answer, KilledWorker):
        return refuse(task, f"{answer.allowed_failures + 1} workers ended while they had it")
    if isinstance(answer, DeepfuseError):
        raise DeepfuseError(f"{address}: {answer}") from answer
    raise DeepfuseError(
        f"{address}: expected scheduler and workers like this process, got {type(answer).__name__}: {answer}"
    ) from answer


def do_scene(terms: Terms, call: bytes, memory_gb: float | None, seconds: float | None) -> bytes | str:
    """In a worker: the result of a call as bytes, or why there is none.

    Raises:
        DeepfuseError: this worker cannot work for the run.
    """
    from distributed import Reschedule, get_worker

    try:
        post = _post_for(terms, memory_gb)
    except DeepfuseError as error:
        raise DeepfuseError(f"worker {get_worker().address}: {error}") from error
    with post.at_work(), _ended_when_unwanted(post.process) as unwanted:
        try:
            post.process.ask(receive, call)
            return post.process.ask(perform, seconds=seconds)
        except ResidentError as error:
            if unwanted.is_set():
                raise Reschedule from error
            return str(error)


@dataclass
class _Post:
    """The process that does for one run what one thread of a worker is given."""

    terms: Terms
    process: Resident
    _busy: threading.Lock = field(default_factory=threading.Lock)
    _idle: threading.Timer | None = None

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Nothing but its own call ends the process inside of the block; some time after the last one it is ended."""
        if self._idle:
            self._idle.cancel()
        with self._busy:
            yield
        self._idle = threading.Timer(IDLE_S, self._end_if_idle)
        self._idle.daemon = True
        self._idle.start()

    def _end_if_idle(self) -> None:
        if self._busy.acquire(blocking=False):
            self.process.close()  # another call would start it again
            self._busy.release()


_here = threading.local()


def _post_for(terms: Terms, memory_gb: float | None) -> _Post:
    """This thread's, with a new process for each run: what one has read and kept is no business of the next."""
    post: _Post | None = getattr(_here, "post", None)
    if post is None or post.terms != terms:
        if post:
            post.process.close()
        process = _started(terms, memory_gb)
        if why := process.ask(obstacle, terms):
            process.close()
            raise DeepfuseError(why)
        post = _here.post = _Post(terms, process)
    return post


def _started(terms: Terms, memory_gb: float | None) -> Resident:
    path = [str(terms.folder), *sys.path] if terms.first else sys.path
    kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    threads = dict.fromkeys(THREADS, "1")  # a worker has as many threads as it is to use cores
    environment = {**threads, **kept, **terms.settings}
    try:
        return Resident(
            memory_gb=memory_gb, seconds=None, folder=terms.folder, path=path, environment=environment, what="them"
        )
    except OSError as error:
        raise DeepfuseError(f"{terms.folder}: expected the working directory of the run, got none: {error}") from error


@contextmanager
def _ended_when_unwanted(process: Resident) -> Iterator[threading.Event]:
    """End the process when its task is wanted no longer: its client is gone, and a scene may hang for ever.

    Yields:
        What is set by then.
    """
    from distributed import get_worker

    worker = get_worker()
    key = worker.get_current_task()
    over, unwanted = threading.Event(), threading.Event()

    def watch() -> None:
        while not over.wait(WATCH_S):
            task = worker.state.tasks.get(key)
            if task is None or task.state == "cancelled":
                unwanted.set()
                process.close()
                return

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield unwanted
    finally:
        over.set()
        watcher.join()
