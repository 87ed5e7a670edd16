"""A process that looks at photos for the page: what crashes or swells it costs one call."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from deepfuse.errors import PhotoError
from deepfuse.resident import Resident, ResidentError
from deepfuse.web.work import MEMORY_GB

T = TypeVar("T")


class Process:
    """One process that stays for a kind of calls; they come one after the other."""

    def __init__(self, *, seconds: float) -> None:
        self._lock = threading.Lock()
        self._process = Resident(memory_gb=MEMORY_GB, seconds=seconds)

    def ask(self, work: Callable[..., T], *args: object) -> T:
        """What `work(*args)` returns there.

        Raises:
            PhotoError: the call crashed the process, took too long or needed too much memory.
        """
        with self._lock:
            try:
                return self._process.ask(work, *args)
            except ResidentError as error:
                raise PhotoError(f"these frames cannot be looked at: {error}") from error

    def close(self) -> None:
        """End the process."""
        self._process.close()
