"""One request after the other: who waits, how long, and who is sent away."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Busy(Exception):  # noqa: N818 # it is no error of the request
    """There is no turn for this request now; later there may be."""


class Turns:
    """The turns of a server whose requests each come in a thread of their own.

    Args:
        at_once: that are worked on side by side.
        waiting: that may wait for their turn.
        answer_s: seconds in which an answer must be there, for behind them nobody waits for it; `None` for no such
            limit. No request waits for its turn longer than half of them, so that the other half is left for its work:
            else a server with too much to do would work on answers that come too late, and give none.
    """

    def __init__(self, at_once: int, waiting: int, answer_s: float | None) -> None:
        self._places = threading.Semaphore(at_once + waiting)
        self._at_work = threading.Semaphore(at_once)
        self._most = at_once + waiting
        self.answer_s = answer_s

    @contextmanager
    def turn(self) -> Iterator[Deadline]:
        """Wait for a turn and hold it.

        Raises:
            Busy: too many wait already, or the turn did not come in time.
        """
        deadline = Deadline(None if self.answer_s is None else time.monotonic() + self.answer_s)
        if not self._places.acquire(blocking=False):
            raise Busy(f"{self._most} requests are at work or wait, and no more may: try again later")
        try:
            if not self._at_work.acquire(timeout=None if self.answer_s is None else self.answer_s / 2):
                raise Busy("the requests before this one take too long: try again later")
            try:
                yield deadline
            finally:
                self._at_work.release()
        finally:
            self._places.release()


class Deadline:
    """When nobody waits for an answer any more, by the monotonic clock; `None` for never."""

    def __init__(self, at_s: float | None) -> None:
        self._at_s = at_s

    def check(self) -> None:
        """Make sure that somebody still waits.

        Raises:
            Busy: nobody does.
        """
        if self._at_s is not None and time.monotonic() > self._at_s:
            raise Busy("the answer takes longer than the server's time-out: send fewer or smaller brackets")
