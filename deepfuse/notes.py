"""What was found out about files, kept until one of them changes: none is read again that is as it was.

A file is known by its path, size, number and times, as git's index knows it. What changed within the last seconds is
not kept: it may change once more within one tick of the clock, and look the same.
"""

from __future__ import annotations

import json
import sqlite3
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deepfuse.files import json_digest

SETTLED_S = 2.0  # the coarsest times of a file system
KEPT_DAYS = 30
DAY_S = 24 * 3600
_TABLE = "CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, value TEXT, day INTEGER) WITHOUT ROWID"


Recall = Callable[[str, Sequence[Path], Callable[[], Any]], Any]
"""Answers a question about files, as `Notes.recall` does."""


def ask(question: str, files: Sequence[Path], find: Callable[[], Any]) -> Any:
    """The answer, found now: where nothing is noted."""
    return find()


def state_of_file(path: Path) -> list[int] | None:
    """Size, number and times of a regular file; `None` for what is none, or changed a moment ago.

    Raises:
        OSError: it is not there.
    """
    found = path.lstat()
    if not stat.S_ISREG(found.st_mode) or time.time() - max(found.st_mtime, found.st_ctime) < SETTLED_S:
        return None
    return [found.st_size, found.st_ino, found.st_mtime_ns, found.st_ctime_ns]


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
        name = self._name(question, files)
        if name and (row := self._base.execute("SELECT value, day FROM notes WHERE name = ?", (name,)).fetchone()):
            if row[1] != self._today:
                self._base.execute("UPDATE notes SET day = ? WHERE name = ?", (self._today, name))
            return json.loads(row[0])
        value = find()
        if name:
            row = name, json.dumps(value), self._today
            self._base.execute("INSERT OR REPLACE INTO notes VALUES (?, ?, ?)", row)
        return value

    def _name(self, question: str, files: Sequence[Path]) -> str | None:
        try:
            states = [state_of_file(file) for file in files]
        except OSError:
            return None
        known = [[str(file.absolute()), *state] for file, state in zip(files, states, strict=True) if state]
        return json_digest([self._key, question, known]) if len(known) == len(files) else None


@contextmanager
def open_notes(path: Path, key: Any) -> Iterator[Notes]:
    """The book in a file, made where there is none, or none that can be read; notes of no use for 30 days are dropped.

    What was noted stays also where the block ends with an error.
    """
    base = _opened(path)
    try:
        notes = Notes(base, key)
        yield notes
    finally:
        base.execute("DELETE FROM notes WHERE day < ?", (int(time.time() // DAY_S) - KEPT_DAYS,))
        base.commit()
        base.close()


def _opened(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        return _with_table(path)
    except sqlite3.DatabaseError:  # damaged: what it held is found out again
        path.unlink()
        return _with_table(path)


def _with_table(path: Path) -> sqlite3.Connection:
    base = sqlite3.connect(path, timeout=60)
    try:
        base.execute(_TABLE)
        base.execute("SELECT count(*) FROM notes")
    except sqlite3.DatabaseError:
        base.close()
        raise
    return base
