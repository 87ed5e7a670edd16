"""The memory of processes of our own, commands and workers: how it is kept and given back, and how its lack is told."""

from __future__ import annotations

import ctypes
import gc
import math
import sys

# Of glibc's malloc.h.
_TRIM_THRESHOLD, _MMAP_MAX, _ARENA_MAX = -1, -4, -8
KEPT = 2**30  # bytes; more than the planes of a picture at work need, and what a process holds between two pictures
APART = 0  # planes beside the heap, which are given back at once: glibc would put there those above 2**25 bytes
NEW_OBJECTS = 100_000  # more of them than went have Python look for cycles among them; by default 700
ARENAS = 1  # threads that each have a heap find nothing in those of others
# As torch, OpenCV, the loader of libraries, Python's threads and the system say it.
_NO_MEMORY = (
    "can't allocate memory",
    "Insufficient memory",
    "failed to map segment",
    "can't start new thread",
    "Cannot allocate memory",
)


def keep_freed_memory() -> None:
    """Let this process use again what it freed, where its C library is glibc.

    As it starts, glibc gives planes of a megabyte back to the system at once, which then clears them page by page when
    the next is asked for: a fifth of the time of a picture.
    """
    for option, value in ((_TRIM_THRESHOLD, KEPT), (_MMAP_MAX, APART), (_ARENA_MAX, ARENAS)):
        _ask_glibc("mallopt", option, value)


def give_back_memory() -> None:
    """After a piece of work, give back what this process freed and holds, where that is much.

    Planes of ever other sizes leave gaps that few of the next fit in, and a process would grow by them.
    """
    import psutil  # slow, and a single picture needs it not

    if psutil.Process().memory_info().rss > KEPT:
        _ask_glibc("malloc_trim", 0)


def _ask_glibc(function: str, *values: int) -> None:
    """Call this function of glibc, where that is the C library: others have none of them."""
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), function):
        getattr(libc, function)(*values)


def look_for_cycles_seldom() -> None:
    """Have Python look for cycles of garbage seldom: among records of ten thousand scenes it finds none."""
    gc.set_threshold(NEW_OBJECTS)


def lacks_memory(error: BaseException) -> bool:
    """Whether memory was lacking; of a limited process also where C code lost the error that said so."""
    if isinstance(error, MemoryError) or any(words in str(error) for words in _NO_MEMORY):
        return True
    return isinstance(error, SystemError) and most_memory() < math.inf


def most_memory() -> float:
    """The bytes that this process may have in its address space (`ulimit -v`), where the system has such a limit."""
    try:
        import resource
    except ImportError:  # Windows
        return math.inf
    most, _ = resource.getrlimit(resource.RLIMIT_AS)
    return math.inf if most == resource.RLIM_INFINITY else float(most)
