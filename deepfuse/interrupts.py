"""Ctrl-C while a program loads, when no command is there yet that could end in order."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NoReturn

INTERRUPTED = 130  # as shells say that SIGINT ended a program


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
