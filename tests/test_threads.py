"""Parts side by side leave the threads of everybody else alone."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from deepfuse import fuse, mef_ssim
from deepfuse.threads import side_by_side


@pytest.fixture(autouse=True)
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def taken(_: int = 0) -> tuple[int, set[int]]:
    """How many threads work on parts, and how many torch would use in each of them."""

    def part(_: int) -> tuple[int, int]:
        time.sleep(0.05)
        return threading.get_ident(), torch.get_num_threads()

    with side_by_side() as run:
        idents, inside = zip(*run(part, range(6)), strict=True)
    return len(set(idents)), set(inside)


def test_calls_that_overlap_keep_their_threads() -> None:
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(taken, range(4))) == [(2, {1})] * 4
    assert [taken() for _ in range(6)] == [(2, {1})] * 6
    assert torch.get_num_threads() == 2


def test_overlapping_requests_leave_torch_as_it_was(bracket: list[np.ndarray]) -> None:
    """As a server's: each from a thread of its own, of which some come later."""
    expected = fuse(bracket)

    def request(_: int) -> tuple[bool, int]:
        fused = fuse(bracket)
        mef_ssim(bracket, fused)
        return bool((fused == expected).all()), torch.get_num_threads()

    for _ in range(2):
        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(request, range(8))) == [(True, 2)] * 8
    assert torch.get_num_threads() == 2


def test_one_strip_at_a_time_where_torch_may_use_one_thread() -> None:
    torch.set_num_threads(1)
    assert taken() == (1, {1})
