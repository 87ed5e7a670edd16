"""A watcher for a folder that cameras or rsync write to: what was quiet for a while is complete, and moves on."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from pathlib import Path

from deepfuse.bracket import printable
from deepfuse.errors import BracketError
from deepfuse.params import read_params
from deepfuse.settling import Settling
from flows.inbox import INBOX
from flows.logs import log
from flows.moving import move
from flows.naming import free_name, names_for
from flows.runs import announce
from flows.sets import (
    State,
    check_files,
    digest,
    find_sets,
    is_folder,
    is_partial,
    is_set,
    loose_photos,
    state_of,
)

GATHERING = ".gathering"
Group = tuple[Path, ...]


@dataclass
class Watcher:
    """Takes sets out of `folder` once none of their files changed for `quiet_s` seconds.

    A set is a folder or a radiance map; photos that lie loose in the folder are one set together. Quiet is what this
    watcher saw: the times that a copy gives its files say nothing about when they were written. A set that cannot be
    taken stays, with a line in the log; so does one in which something is no file, or larger than `most_bytes`.
    """

    folder: Path
    quiet_s: float
    most_bytes: float
    _states: dict[Group, State] = field(default_factory=dict)
    _told: dict[Group, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Nothing was seen yet."""
        self._settling = Settling[Group](self.quiet_s)

    def take(self, now_s: float) -> list[Path]:
        """Move what is complete at this time into the inbox; where it lies there."""
        self._scatter()
        sets = [(entry,) for entry in find_sets(self.folder)]
        loose = tuple(loose_photos(self.folder))
        groups: list[Group] = [*sets, *([loose] if loose else [])]
        self._told = {group: why for group, why in self._told.items() if group in groups}
        states = {group: self._look(group) for group in groups}
        self._states = {group: state for group, state in states.items() if state}
        ready = self._settling.see(self._states, now_s)
        taken = [self._try_to_move(group) for group in ready if not any(map(is_partial, self._around(group)))]
        return [target for target in taken if target]

    def _look(self, group: Group) -> State | None:
        try:
            return state_of(*group)
        except OSError as error:
            self._tell(group, error)
            return None

    def _around(self, group: Group) -> list[Path]:
        """Where a file on its way to this set would lie: inside a folder, beside a file."""
        if is_folder(group[0]):
            return list(self._states[group])
        return [path for path in self.folder.iterdir() if not is_folder(path)]

    def _try_to_move(self, group: Group) -> Path | None:
        try:
            return self._move(group)
        except (OSError, BracketError) as error:  # no space, no rights, no file: the others go on, and it may pass
            self._tell(group, error)
            return None

    def _move(self, group: Group) -> Path:
        """A set, or loose photos as one set, into the inbox."""
        for entry in group:
            check_files(entry, most_bytes=self.most_bytes)
        key = digest(self._states[group])
        if is_set(group[0]):
            target = free_name(INBOX, group[0], key)
            move(group[0], target)
            return target
        gathered = self.folder / GATHERING
        gathered.mkdir()
        for photo in group:
            photo.rename(gathered / photo.name)
        target = _another(INBOX / group[0].stem, key)
        move(gathered, target)
        return target

    def _scatter(self) -> None:
        """Put back what a killed watcher had begun to gather; where a newer photo has the name, under another one."""
        gathered = self.folder / GATHERING
        if is_folder(gathered):
            for photo in gathered.iterdir():
                back = self.folder / photo.name
                photo.rename(_another(back, digest(state_of(photo))) if os.path.lexists(back) else back)
            gathered.rmdir()

    def _tell(self, group: Group, error: Exception) -> None:
        """Once, for this is tried again and again."""
        if self._told.get(group) != str(error):
            self._told[group] = str(error)
            log("%s stays in %s: %s", group[0].name, self.folder, error)


def _another(path: Path, key: str) -> Path:
    """A free name with a hash in it."""
    return next(name for name in names_for(path, key) if name != path and not os.path.lexists(name))


def watch(folder: Path, *, quiet_s: float) -> None:
    """Watch until the process is ended."""
    folder.mkdir(parents=True, exist_ok=True)
    watcher = Watcher(folder, quiet_s, read_params().ingest.limits.file_gb * 1e9)
    unannounced: list[str] = []
    log("watching %s: a set is complete when nothing in it changed for %g s", folder, quiet_s)
    while True:
        try:
            taken = [printable(target.name) for target in watcher.take(time.monotonic())]
        except OSError as error:  # the folder went away: nothing is lost, and it may come back
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
