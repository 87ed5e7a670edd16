"""What a process of our own freed, it uses again: the system need not clear it once more."""

from __future__ import annotations

import mmap
import subprocess
import sys

import pytest

FAULTS = """
import resource
from deepfuse.heap import keep_freed_memory
if {limit}:
    resource.setrlimit(resource.RLIMIT_DATA, ({limit}, {limit}))
if {kept}:
    keep_freed_memory()
for _ in range(6):
    planes = [bytearray({size}) for _ in range(3)]
    planes.clear()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
"""


HELD = """
import psutil
from deepfuse import heap
heap.KEPT = 2**28
heap.keep_freed_memory()
held = psutil.Process().memory_info
for freed in (2**26, 2**29):
    planes = [bytearray(2**20) for _ in range(freed // 2**20 + 1)]
    del planes[:-1]  # the last one keeps what lies before it from being the heap's end
    before = held().rss
    heap.give_back_memory()
    print(before - held().rss)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the C library is another")
@pytest.mark.parametrize("size", [3 * 2**23, 5 * 2**23])
def test_memory_is_kept(size: int) -> None:
    once = 3 * size // mmap.PAGESIZE
    kept, given_back = (faults(size, kept=kept) for kept in (True, False))
    assert kept < 2 * once < 4 * once < given_back


@pytest.mark.skipif(sys.platform != "linux", reason="the C library is another")
def test_large_planes_are_given_back_where_the_limit_is_low() -> None:
    size = 5 * 2**23
    assert faults(size, limit=2**31) > 4 * 3 * size // mmap.PAGESIZE


def faults(size: int, *, kept: bool = True, limit: int = 0) -> int:
    return int(subprocess.check_output([sys.executable, "-c", FAULTS.format(kept=kept, size=size, limit=limit)]))


@pytest.mark.skipif(sys.platform != "linux", reason="the C library is another")
def test_much_memory_is_given_back_when_told() -> None:
    little, much = map(int, subprocess.check_output([sys.executable, "-c", HELD]).split())
    assert little < 2**20
    assert much > 2**28
