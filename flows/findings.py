"""What a check of the loop finds, and how all of them are done in a bounded time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from deepfuse.bracket import printable

LIMIT_S = 60
Level = Literal["ok", "warning", "fault"]


@dataclass(frozen=True)
class Finding:
    """What a check says: a fault stops the loop or loses work, a warning may come to that."""

    level: Level
    about: str

    def line(self, name: str) -> str:
        """For people, on one line."""
        return printable(f"{self.level:8}{name}: {' '.join(self.about.split())}")


Check = Callable[[], Iterable[Finding]]


def ok(about: str) -> Finding:
    """All is well."""
    return Finding("ok", about)


def warning(about: str) -> Finding:
    """It works, but may not for long."""
    return Finding("warning", about)


def fault(about: str) -> Finding:
    """It does not work."""
    return Finding("fault", about)


def examine(checks: Mapping[str, Check], *, limit_s: float = LIMIT_S) -> dict[str, list[Finding]]:
    """Do all checks at the same time; one that raises, or gives no answer in that time, is a fault by itself."""
    found: dict[str, list[Finding]] = {}
    done = threading.Semaphore(0)

    def answer(name: str, check: Check) -> None:
        try:
            answers = list(check())
        except Exception as error:  # whatever is wrong, it is what this check found
            answers = [fault(f"{type(error).__name__}: {error}")]
        found[name] = answers
        done.release()

    for name, check in checks.items():
        threading.Thread(target=answer, args=(name, check), daemon=True).start()
    timer = threading.Timer(limit_s, done.release, [len(checks)])
    timer.daemon = True
    timer.start()
    for _ in checks:
        done.acquire()
    timer.cancel()
    return {name: found.get(name) or [fault(f"no answer within {limit_s:g} s")] for name in checks}
