"""A watcher for a folder that cameras or rsync write to: what was quiet for a while is complete, and moves on."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from flows.arrivals import announce
from flows.inbox import INBOX
from flows.logs import log
from flows.sets import (
    find_sets,
    fingerprint,
    free_name,
    is_partial,
    is_set,
    loose_photos,
    move,
    snapshot,
    with_hash,
)

GATHERING = ".gathering"
Seen = Mapping[Path, tuple[int, int]]


@dataclass
class Watcher:
    """Takes sets out of `folder` once none of their files changed for `quiet_s` seconds.

    A set is a folder or a radiance map; photos that lie loose in the folder are one set together. Quiet is what this
    watcher saw: the times that a copy gives its files say nothing about when they were written.
    """

    folder: Path
    quiet_s: float
    _seen: dict[tuple[Path, ...], tuple[Seen, float]] = field(default_factory=dict)

    def take(self, now_s: float) -> list[Path]:
        """Move what is complete at this time into the inbox; where it lies there."""
        self._scatter()
        sets = [(entry,) for entry in find_sets(self.folder)]
        loose = tuple(loose_photos(self.folder))
        groups: list[tuple[Path, ...]] = [*sets, *([loose] if loose else [])]
        self._seen = {group: self._look(group, now_s) for group in groups}
        ready = [group for group in groups if now_s - self._seen[group][1] >= self.quiet_s]
        return [self._move(group) for group in ready if not any(map(is_partial, self._around(group)))]

    def _move(self, group: tuple[Path, ...]) -> Path:
        """A set, or loose photos as one set, into the inbox."""
        content = fingerprint(*group)
        if len(group) == 1 and is_set(group[0]):
            target = free_name(INBOX, group[0], content)
            move(group[0], target)
            return target
        target = with_hash(INBOX / group[0].stem, content)
        gathered = self.folder / GATHERING
        gathered.mkdir()
        for photo in group:
            photo.rename(gathered / photo.name)
        move(gathered, target)
        return target

    def _scatter(self) -> None:
        """Put back what a killed watcher had begun to gather."""
        gathered = self.folder / GATHERING
        if gathered.is_dir():
            for photo in gathered.iterdir():
                photo.rename(self.folder / photo.name)
            gathered.rmdir()

    def _look(self, group: tuple[Path, ...], now_s: float) -> tuple[Seen, float]:
        state = snapshot(group)
        before = self._seen.get(group)
        return before if before and before[0] == state else (state, now_s)

    def _around(self, group: tuple[Path, ...]) -> list[Path]:
        """Where a file on its way to this set would lie: inside a folder, beside a file."""
        return list(group) if group[0].is_dir() else [path for path in self.folder.iterdir() if path.is_file()]


def watch(folder: Path, *, quiet_s: float) -> None:
    """Watch until the process is ended."""
    folder.mkdir(parents=True, exist_ok=True)
    watcher = Watcher(folder, quiet_s)
    unannounced: list[str] = []
    log("watching %s: a set is complete when nothing in it changed for %g s", folder, quiet_s)
    while True:
        try:
            taken = [target.name for target in watcher.take(time.monotonic())]
        except OSError as error:  # no space, or a folder that went away: nothing is lost, and it may pass
            log("%s cannot be emptied, again in a moment: %s", folder, error)
            taken = []
        unannounced += taken
        if unannounced:
            try:
                log("complete: %s: %s", ", ".join(unannounced), announce(unannounced))
                unannounced.clear()
            except Exception as error:  # whatever the client raises when the server is away: it may come back
                log("Prefect cannot be told, again in a moment: %s", error)
        time.sleep(max(0.5, quiet_s / 10))
