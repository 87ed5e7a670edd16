"""How a process hands out memory and looks for what is free: for processes of our own, the commands and workers."""

from __future__ import annotations

import ctypes
import gc
import sys

# Of glibc's malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
KEPT = 2**28  # bytes; the planes of a strip, and of what works beside it
LARGEST = 2**25  # bytes; the most that glibc takes from the heap at all
NEW_OBJECTS = 100_000  # more of them than went have Python look for cycles among them; by default 700
ARENAS = 1  # threads that each have a heap find nothing in those of others


def keep_freed_memory() -> None:
    """Let this process use again what it freed, where its C library is glibc.

    As it starts, glibc gives planes of a megabyte back to the system at once, which then clears them page by page when
    the next is asked for: a fifth of the time of a picture.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    for option, value in ((_TRIM_THRESHOLD, KEPT), (_MMAP_THRESHOLD, LARGEST), (_ARENA_MAX, ARENAS)):
        if mallopt:  # musl has none
            mallopt(option, value)


def look_for_cycles_seldom() -> None:
    """Have Python look for cycles of garbage seldom: among records of ten thousand scenes it finds none."""
    gc.set_threshold(NEW_OBJECTS)
