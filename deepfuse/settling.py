"""What has been the same for a while, be it files that somebody writes: then it is complete.

The times that a copy gives its files say nothing about when they were written: what counts is what was seen here.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class Settling(Generic[K]):
    """Tells what settled: what was seen in the same state for `quiet_s` seconds."""

    def __init__(self, quiet_s: float) -> None:
        self._quiet_s = quiet_s
        self._seen: dict[K, tuple[object, float]] = {}

    def see(self, states: Mapping[K, object], now_s: float) -> list[K]:
        """What of all that is there has settled at this time; what is not there any more is forgotten.

        >>> files = Settling[str](quiet_s=3)
        >>> files.see({"a": 1, "b": 1}, now_s=0), files.see({"a": 1, "b": 2}, now_s=3), files.see({"b": 2}, now_s=6)
        ([], ['a'], ['b'])
        """
        self._seen = {key: self._since(key, state, now_s) for key, state in states.items()}
        return [key for key, (_, since_s) in self._seen.items() if now_s - since_s >= self._quiet_s]

    def _since(self, key: K, state: object, now_s: float) -> tuple[object, float]:
        before = self._seen.get(key)
        return before if before and before[0] == state else (state, now_s)
