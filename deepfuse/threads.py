"""Parts of a picture worked on side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import Protocol, TypeVar

import torch
from threadpoolctl import LibController, ThreadpoolController

Part = TypeVar("Part")
Result = TypeVar("Result")


class Run(Protocol):
    """`map`, or what runs the calls side by side."""

    def __call__(self, function: Callable[[Part], Result], parts: Iterable[Part], /) -> Iterable[Result]:
        """The results in the order of the parts."""
        ...


@contextmanager
def side_by_side(most: int | None = None) -> Iterator[Run]:
    """Parts on as many threads as torch may use here: with them inside every operation, most of the time is waiting.

    Each of these threads multiplies alone. That holds for them and for nothing else in the process, so calls may
    overlap: an OpenMP runtime keeps the number of threads for each thread that asks it (OpenMP 4.5, 2.3.2).

    Args:
        most: no more than that at once, because each part needs memory.
    """
    threads = torch.get_num_threads()
    with ThreadPoolExecutor(min(threads, most or threads), initializer=_multiply_alone) as pool:
        yield pool.map


def _multiply_alone() -> None:
    torch.get_num_threads()  # torch sets the number of a new thread at its first question, and would do so later
    for runtime in _openmp_runtimes():
        runtime.set_num_threads(1)


@cache
def _openmp_runtimes() -> list[LibController]:
    found: list[LibController] = ThreadpoolController().select(user_api="openmp").lib_controllers
    return found
