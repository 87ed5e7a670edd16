"""Parts of a picture worked on side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Protocol, TypeVar

import torch

Part = TypeVar("Part")
Result = TypeVar("Result")


class Run(Protocol):
    """`map`, or what runs the calls side by side."""

    def __call__(self, function: Callable[[Part], Result], parts: Iterable[Part], /) -> Iterable[Result]:
        """The results in the order of the parts."""
        ...


@contextmanager
def side_by_side(most: int | None = None) -> Iterator[Run]:
    """Tiles on as many threads as torch may use: with them inside every operation, most of the time is waiting.

    With `most`, on no more than that, because each needs memory.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(min(threads, most or threads)) as pool:
            yield pool.map
    finally:
        torch.set_num_threads(threads)
