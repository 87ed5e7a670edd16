"""What a process of our own freed, it uses again: the system need not clear it once more."""

from __future__ import annotations

import mmap
import subprocess
import sys

import pytest

FAULTS = """
import resource
from deepfuse.heap import keep_freed_memory
if {kept}:
    keep_freed_memory()
for _ in range(6):
    planes = [bytearray(3 * 2**23) for _ in range(3)]
    planes.clear()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the C library is another")
def test_memory_is_kept() -> None:
    once = 3 * 3 * 2**23 // mmap.PAGESIZE
    kept, given_back = (
        int(subprocess.check_output([sys.executable, "-c", FAULTS.format(kept=kept)])) for kept in (True, False)
    )
    assert kept < 2 * once < 4 * once < given_back
