"""What was found out about files, kept until one of them changes: none is read again that is as it was.

A file is known by its path, size, number and times, as git's index knows it. What changed within the last seconds is
not kept: it may change once more within one tick of the clock, and look the same.
"""

from __future__ import annotations

import json
import os
import sqlite3
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from deepfuse.files import json_digest

SETTLED_S = 2.0  # the coarsest times of a file system
KEPT_DAYS = 30
DAY_S = 24 * 3600
WAIT_S = 60.0  # for another process that writes
MEMORY = Path(":memory:")  # a book of this process alone
_TABLE = "CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, value TEXT, day INTEGER) WITHOUT ROWID"


Recall = Callable[[str, Sequence[Path], Callable[[], Any]], Any]
"""Answers a question about files, as `Notes.recall` does."""


def ask(question: str, files: Sequence[Path], find: Callable[[], Any]) -> Any:
    """The answer, found now: where nothing is noted."""
    return find()


def state_of_file(path: Path, *, linked: bool = False) -> list[int] | None:
    """Size, number and times of a regular file; `None` for what is none, or changed a moment ago.

    `linked` leaves out the time at which its record changed, as it does with each link to the file.

    Raises:
        OSError: it is not there.
    """
    found = os.lstat(path)
    times = [found.st_mtime_ns] if linked else [found.st_mtime_ns, found.st_ctime_ns]
    if not stat.S_ISREG(found.st_mode) or time.time() - max(times) / 1e9 < SETTLED_S:
        return None
    return [found.st_size, found.st_ino, *times]


class Notes:
    """A book of such notes, for one process at a time.

    Args:
        base: its open file.
        key: what else the answers depend on, as JSON: code, parameters, versions of libraries.
    """

    def __init__(self, base: sqlite3.Connection, key: Any) -> None:
        self._base = base
        self._key = json_digest(key)
        self._today = int(time.time() // DAY_S)

    def recall(self, question: str, files: Sequence[Path], find: Callable[[], Any]) -> Any:
        """The answer to a question about files, a JSON value; found now where it is not noted of them as they are.

        Raises:
            Exception: what `find` raises; that is not noted.
        """
        name = self.name(question, files)
        if (known := self.known(name)) is not None:
            return json.loads(known)
        value = find()
        self.note(name, value)
        return value

    def name(self, question: str, files: Sequence[Path]) -> str | None:
        """What a question about files as they are now is noted under; `None` where that is not to be noted."""
        try:
            states = [state_of_file(file) for file in files]
        except OSError:
            return None
        here = Path.cwd()
        known = [[str(here / file), *state] for file, state in zip(files, states, strict=True) if state]
        return json_digest([self._key, question, known]) if len(known) == len(files) else None

    def known(self, name: str | None) -> str | None:
        """What is noted under a name, as JSON; `None` for nothing."""
        try:
            row = self._base.execute("SELECT value, day FROM notes WHERE name = ?", (name,)).fetchone()
        except sqlite3.Error:
            return None
        if row and row[1] != self._today:
            self._write("UPDATE notes SET day = ? WHERE name = ?", self._today, name)
        return str(row[0]) if row else None

    def note(self, name: str | None, value: Any) -> None:
        """Note an answer, a JSON value, under the name that the question had before it was looked for."""
        if name:
            self._write("INSERT OR REPLACE INTO notes VALUES (?, ?, ?)", name, json.dumps(value), self._today)

    def forget_unused(self) -> None:
        """Drop the notes that nobody asked for in 30 days."""
        self._write("DELETE FROM notes WHERE day < ?", self._today - KEPT_DAYS)

    def _write(self, command: str, *values: object) -> None:
        """What cannot be noted, where the disk is full or the book damaged or another's, is found out again."""
        try:
            self._base.execute(command, values)
        except sqlite3.Error:
            with suppress(sqlite3.Error):
                self._base.rollback()  # who waits for this one to end need not


@contextmanager
def open_notes(path: Path, key: Any, *, wait_s: float = WAIT_S) -> Iterator[Notes]:
    """The book in a file, made where there is none, or none that can be read; one that is lost where that cannot be.

    What was noted stays also where the block ends with an error.

    Args:
        path: the file.
        key: what the answers depend on but files, as `Notes` takes it.
        wait_s: how long another process that writes is waited for, each time.
    """
    base = _opened(path, wait_s)
    notes = Notes(base, key)
    try:
        yield notes
    finally:
        notes.forget_unused()
        with suppress(sqlite3.Error):
            base.commit()
        base.close()


def _opened(path: Path, wait_s: float) -> sqlite3.Connection:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            return _book(path, wait_s)
        except sqlite3.OperationalError:  # of another user, or another's now
            raise
        except sqlite3.DatabaseError:  # damaged
            path.unlink()
            return _book(path, wait_s)
    except (OSError, sqlite3.OperationalError):
        return _book(":memory:", wait_s)


def _book(path: Path | str, wait_s: float) -> sqlite3.Connection:
    base = sqlite3.connect(path, timeout=wait_s)
    try:
        base.execute(_TABLE)
        base.execute("SELECT count(*) FROM notes")
    except sqlite3.Error:
        base.close()
        raise
    return base
