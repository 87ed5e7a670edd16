"""Ctrl-C where Python alone makes nothing sensible of it: while a program loads, and where what it raises is lost."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NoReturn

INTERRUPTED = 130  # as shells say that SIGINT ended a program
_AGAIN_S = 0.02


@contextmanager
def ended_by_interrupt() -> Iterator[None]:
    """Let Ctrl-C end the process at once, in words, while the block is at work; as an exception, it may be lost there.

    Where a signal is ignored or heard by somebody else, or in another thread than the main one, nothing changes.
    """
    alone = threading.current_thread() is threading.main_thread()
    if not alone or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, _end)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _end(*_: object) -> NoReturn:
    with suppress(OSError):  # standard error may be closed
        os.write(2, b"deepfuse: interrupted\n")
    os._exit(INTERRUPTED)


def hear_lost_interrupts() -> None:
    """Interrupt this process once more where Python loses the exception, as it does in callbacks of imports."""
    others = sys.unraisablehook

    def hook(lost: sys.UnraisableHookArgs) -> None:
        if not issubclass(lost.exc_type, KeyboardInterrupt):
            others(lost)
            return
        again = threading.Timer(_AGAIN_S, os.kill, (os.getpid(), signal.SIGINT))
        again.daemon = True
        again.start()

    sys.unraisablehook = hook
