"""Brackets fused as they arrive: what is complete is made as a batch makes it, with the same records."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from deepfuse.batch.arrivals import Arrivals
from deepfuse.batch.record import Outcome
from deepfuse.batch.run import Batch, Pace, plan, run, sole_batch
from deepfuse.batch.sheet import write_sheet
from deepfuse.batch.superseded import remove, renamed, superseded
from deepfuse.batch.work import Job
from deepfuse.bracket import printable
from deepfuse.errors import DeepfuseError
from deepfuse.grouping import Grouping
from deepfuse.terminal import words

Kind = Literal["made", "finished", "failed", "renamed", "removed", "kept", "waiting"]


@dataclass(frozen=True)
class Event:
    """What happened: of which kind, to which set, where it is one, and in words."""

    kind: Kind
    scene: str
    text: str
    warnings: tuple[str, ...] = ()


class Watch:
    """Makes pictures of the sets in a folder, each as soon as it is complete.

    Args:
        arrivals: tells what is complete.
        jobs: makes jobs of sets.
        output: the folder that pictures go to.
        pace: how they are worked off.
    """

    def __init__(self, arrivals: Arrivals, jobs: Callable[[Grouping], list[Job]], output: Path, pace: Pace) -> None:
        self._arrivals, self._jobs, self._output, self._pace = arrivals, jobs, output, pace
        self._failed: dict[str, object] = {}
        self._begun = False
        self.look_s = 0.0
        """How long the last look took that brought no news."""
        self.trouble = ""
        """Why nothing can be made at the moment, such as a folder that is not there; empty if that is not so."""

    def step(self, now_s: float) -> Iterator[Event]:
        """Make what is complete at this time."""
        begun = time.monotonic()
        try:
            found = self._arrivals.look(now_s)
            if found is None:
                self.look_s = time.monotonic() - begun
            else:
                with sole_batch(self._output):
                    yield from self._make(found)
        except (OSError, DeepfuseError) as error:  # the card was pulled out, or another batch is at work: it passes
            self._arrivals.again()
            if isinstance(error, OSError):
                self._failed.clear()
            if (said := printable(words(error))) != self.trouble:
                self.trouble = said
                yield Event("waiting", "", f"{said}; it is tried again")
        else:
            self.trouble = ""

    def _make(self, found: Grouping) -> Iterator[Event]:
        jobs = {job.scene: job for job in self._jobs(found)}
        ids = [group.bracket.scene for group in found.groups]
        for old in renamed(self._output, [*jobs.values()], ids):
            yield Event("renamed", old.job.scene, f"{old.path.stem} is {old.job.scene} beside other sets")
        batch = plan([*jobs.values()], found)
        yield from self._at_first(batch)
        files = _files(found)
        states = {scene: self._arrivals.state_of(paths) for scene, paths in files.items()}
        for outcome in run(self._without_known(batch, states), self._pace):
            self._failed.pop(outcome.scene, None)
            if outcome.status == "failed":
                if not all(path.is_file() for path in files[outcome.scene]):
                    self._arrivals.again()  # they went away, which is no fault of theirs, and may be back by now
                    continue
                self._failed[outcome.scene] = states[outcome.scene]
            yield _event(outcome, jobs.get(outcome.scene))
        yield from self._tidy([job for job in jobs.values() if job.finished], ids)
        write_sheet(self._output, ids, batch.lost)

    def _at_first(self, batch: Batch) -> Iterator[Event]:
        if batch.finished and not self._begun:
            yield Event("finished", "", f"{len(batch.finished)} sets are finished already")
        self._begun = True

    def _without_known(self, batch: Batch, states: Mapping[str, object]) -> Batch:
        """What is to be made, but for what failed before with the same files."""

        def new(scene: str) -> bool:
            return scene not in self._failed or self._failed[scene] != states[scene]

        return replace(
            batch,
            todo=tuple(job for job in batch.todo if new(job.scene)),
            unreadable=tuple((job, why) for job, why in batch.unreadable if new(job.scene)),
            lost=tuple(one for one in batch.lost if new(one.scene)),
        )

    def _tidy(self, there: list[Job], ids: list[str]) -> Iterator[Event]:
        """Remove pictures of parts of the sets that are there."""
        outputs = [path for job in there for path in job.outputs]
        for old in superseded(self._output, there, ids):
            changed = [*remove(old, outputs)]
            yield Event("removed", old.path.stem, f"its frames are of {old.job.scene} now")
            for path in changed:
                yield Event("kept", old.path.stem, f"{printable(str(path))} was changed since it was made")


def _files(found: Grouping) -> dict[str, list[Path]]:
    """What decides on each set, and on each photo that cannot be read: their files."""
    files = {
        group.bracket.scene: [*group.bracket.files, *(one.file for one in group.unreadable)] for group in found.groups
    }
    return {printable(str(one.file)): [one.file] for one in found.left_out} | files


def _event(outcome: Outcome, job: Job | None) -> Event:
    if outcome.status in ("failed", "kept"):
        return Event(outcome.status, outcome.scene, outcome.reason)
    made = f"{printable(str(job.output))} of {len(job.files)} frames" if job else outcome.scene
    return Event("finished" if outcome.status == "finished" else "made", outcome.scene, made, outcome.warnings)
