"""The memory of processes of our own, commands and workers: how it is kept and given back, and how its lack is told."""

from __future__ import annotations

import ctypes
import gc
import math
import sys

# Of glibc's malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _MMAP_MAX, _ARENA_MAX = -1, -3, -4, -8
KEPT = 2**30  # bytes; more than the planes of a picture at work need, and what a process holds between two pictures
APART = 0  # planes beside the heap, which are given back at once: glibc puts there those above LARGEST
LARGEST = 2**25  # bytes
TIGHT = 4 * KEPT  # a process that may have no more than that keeps a quarter, and no plane above LARGEST
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
_PERHAPS = "could not create a primitive"  # oneDNN, of that and of other things


def keep_freed_memory() -> None:
    """Let this process use again what it freed, where its C library is glibc.

    As it starts, glibc gives planes of a megabyte back to the system at once, which then clears them page by page when
    the next is asked for: a fifth of the time of a picture.
    """
    tight = memory_limit() < TIGHT  # gaps count too
    _ask_glibc("mallopt", _TRIM_THRESHOLD, KEPT // 4 if tight else KEPT)
    _ask_glibc("mallopt", *((_MMAP_THRESHOLD, LARGEST) if tight else (_MMAP_MAX, APART)))
    _ask_glibc("mallopt", _ARENA_MAX, ARENAS)


def give_back_memory() -> None:
    """After a piece of work, give back what this process freed and holds, where that is much or its limit is low.

    Planes of ever other sizes leave gaps that few of the next fit in, and a process would grow by them.
    """
    if memory_limit() < TIGHT or _resident() > KEPT:
        _ask_glibc("malloc_trim", 0)


def _resident() -> int:
    import psutil  # slow, and a single picture needs it not

    return int(psutil.Process().memory_info().rss)


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
    return (isinstance(error, SystemError) or _PERHAPS in str(error)) and memory_limit() < TIGHT


def memory_limit() -> float:
    """The bytes that this process may have, in its address space or of its own (`ulimit -v`, `ulimit -d`)."""
    return min(_limit("RLIMIT_AS"), _limit("RLIMIT_DATA"))


def most_addresses() -> float:
    """The bytes that this process may have in its address space (`ulimit -v`)."""
    return _limit("RLIMIT_AS")


def _limit(name: str) -> float:
    """A limit of the system's, where it has such."""
    try:
        import resource
    except ImportError:  # Windows
        return math.inf
    most, _ = resource.getrlimit(getattr(resource, name))
    return math.inf if most == resource.RLIM_INFINITY else float(most)
