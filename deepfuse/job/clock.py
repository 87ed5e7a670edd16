"""How long each step of a job takes."""

from __future__ import annotations

import time
from dataclasses import dataclass, field


@dataclass
class Clock:
    """Seconds by step."""

    seconds: dict[str, float] = field(default_factory=dict)
    last: float = field(default_factory=time.perf_counter)

    def step(self, name: str) -> None:
        """What was done since the last step."""
        now = time.perf_counter()
        self.seconds[name], self.last = round(now - self.last, 3), now
