"""A batch: its sets told apart into finished, to be made and refused, and worked off by several processes."""

from __future__ import annotations

import math
import multiprocessing
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from filelock import FileLock, Timeout

from deepfuse.batch.place import not_linked, own_folder
from deepfuse.batch.record import FOLDER, Outcome
from deepfuse.batch.thumbnails import BELOW
from deepfuse.batch.work import Job, fail, fuse_set
from deepfuse.bracket import printable
from deepfuse.engine import cluster_named, each_scene
from deepfuse.errors import DeepfuseError
from deepfuse.files import remove_abandoned
from deepfuse.grouping import Grouping, LeftOut
from deepfuse.photo import read_header
from deepfuse.workers import worker_count

WORKER_BYTES = 1.0e9  # of a worker with its libraries, the network and small frames
BYTES_PER_PX = 45  # of each frame, in all its states: 41 measured with 3 float frames of 12 megapixels, 27 of 16 bits
LOCK = "lock"
SHARED = Path("/dev/shm")  # where Linux keeps the locks that processes share
_LOCKS = 8  # of a pool of processes, and some to spare


@dataclass(frozen=True)
class Batch:
    """The sets of a batch, and the photos that cannot be read and are in none of them.

    `todo` are to be made, the pictures of those `finished` are there, those `kept` are there as somebody changed them,
    and those `unreadable` fail before any work, with the reason. What is `passed_over` is damaged and costs no set:
    copies of whole photos, and files that hold none.
    """

    todo: tuple[Job, ...]
    finished: tuple[Job, ...]
    unreadable: tuple[tuple[Job, str], ...]
    lost: tuple[Outcome, ...]
    passed_over: tuple[tuple[Path, str], ...] = ()
    kept: tuple[Outcome, ...] = ()

    @property
    def failures(self) -> tuple[Outcome, ...]:
        """What is known to fail before any work."""
        return (*(Outcome(job.scene, "failed", reason) for job, reason in self.unreadable), *self.lost)


@dataclass(frozen=True)
class Pace:
    """How sets are worked off: by how many processes (`None`: as cores and memory allow), how long one may take.

    `cluster` is the address of a Dask scheduler whose workers do it, where it is not what `DEEPFUSE_CLUSTER` says.
    """

    jobs: int | None
    seconds_per_frame: float
    cluster: str | None = None


def plan(jobs: Sequence[Job], grouping: Grouping) -> Batch:
    """Which sets are to be made.

    A set of which a photo cannot be read fails, and so does every other photo that cannot be read: it may have been
    one of a set.
    """
    unreadable = {group.bracket.scene: group.unreadable for group in grouping.groups if group.unreadable}
    named = {one.file for ones in unreadable.values() for one in ones}
    lost = [
        Outcome(printable(str(one.file)), "failed", _reason(one))
        for one in grouping.left_out
        if one.cause == "unreadable" and one.file not in named
    ]
    passed_over = tuple((one.file, _reason(one)) for one in grouping.left_out if one.damaged)
    bad = [(job, "; ".join(one.why for one in unreadable[job.scene])) for job in jobs if job.scene in unreadable]
    good = [job for job in jobs if job.scene not in unreadable]
    done = {job.scene for job in good if job.finished}
    others, finished = ([job for job in good if (job.scene in done) == there] for there in (False, True))
    kept = {job.scene: Outcome(job.scene, "kept", why) for job in others if (why := job.kept)}
    todo = tuple(job for job in others if job.scene not in kept)
    return Batch(todo, tuple(finished), tuple(bad), tuple(lost), passed_over, tuple(kept.values()))


def _reason(one: LeftOut) -> str:
    """Without the file's name."""
    return printable(one.why).removeprefix(f"{printable(str(one.file))}: ")


def run(batch: Batch, pace: Pace) -> Iterator[Outcome]:
    """Fuse the sets that are to be made, each written as soon as it is made; keep the reasons of those that cannot be.

    Raises:
        DeepfuseError: `DEEPFUSE_JOBS` is no whole number of 1 or more, or processes can share no locks here.
    """
    yield from batch.lost
    yield from (fail(job, reason) for job, reason in batch.unreadable)
    todo, out, jobs = batch.todo, Path(), pace.jobs
    if todo and cluster_named(pace.cluster):
        todo, out = _with_model_beside(todo), todo[0].out
    else:
        _check_locks(len(todo))
        jobs = jobs or worker_count(len(todo), WORKER_BYTES + BYTES_PER_PX * _most_pixels(todo))
    yield from each_scene(
        todo,
        fuse_set,
        refuse=fail,
        jobs=jobs,
        memory_gb=math.inf,
        seconds=lambda job: pace.seconds_per_frame * len(job.files),
        out=out,
        cluster=pace.cluster,
    )


def _check_locks(sets: int) -> None:
    """Make sure that processes can share locks if there are sets for them: the system's own error names no place."""
    context = multiprocessing.get_context("spawn")
    try:
        [context.Lock() for _ in range(_LOCKS if sets else 0)]
    except OSError as error:
        where = SHARED if SHARED.is_dir() else "shared memory"
        how = "mount it for writing, or make room there (of a container: --shm-size)"
        why = f"{error.strerror or error}; the processes that fuse sets keep their locks there"
        raise DeepfuseError(f"{where}: cannot be written into: {why}: {how}") from error


def _with_model_beside(jobs: Sequence[Job]) -> tuple[Job, ...]:
    """The same sets with a copy of their model beside the records, where other machines find it."""
    beside = jobs[0].record.parent / "model"
    shutil.rmtree(beside, ignore_errors=True)
    shutil.copytree(jobs[0].model, beside)
    return tuple(replace(job, model=beside) for job in jobs)


@contextmanager
def sole_batch(output: Path) -> Iterator[None]:
    """Hold an output folder for this process, and remove what a killed one left half-written there.

    Raises:
        DeepfuseError: another batch is writing there, or what is this program's own there leads elsewhere.
    """
    folder = output / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    lock = not_linked(own_folder(output) / LOCK)
    try:
        held = FileLock(lock).acquire(blocking=False)
    except Timeout as error:
        raise DeepfuseError(f"{output}: expected a folder for this batch alone, got another one at work") from error
    with held:
        for place in (output, folder, output / BELOW):
            remove_abandoned(place)
        yield


def _most_pixels(jobs: Sequence[Job]) -> int:
    """The pixels of the largest set's frames together, judged by one frame of each."""
    return max((_pixels(job.files[0]) * len(job.files) for job in jobs), default=0)


def _pixels(path: Path) -> int:
    try:
        header = read_header(path)
    except DeepfuseError:  # its worker will say so
        return 0
    return header.width * header.height
