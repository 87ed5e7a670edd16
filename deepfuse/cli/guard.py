"""A command that decodes photos goes on in a child process: where a decoder crashes, this one says so in words."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from math import inf
from pathlib import Path
from typing import NoReturn

from deepfuse.bracket import RADIANCE_SUFFIX
from deepfuse.cli.beside import Beside, possible
from deepfuse.exits import BAD_INPUT, OUT_OF_MEMORY
from deepfuse.heap import most_addresses
from deepfuse.interrupts import INTERRUPTED
from deepfuse.terminal import say_error

COMMANDS = ("fuse", "align", "score")  # the others decode in workers
LOADING = ("fuse",)  # of them, those that need torch
_PASSED_ON = (signal.SIGINT, signal.SIGTERM)


def guard(arguments: Sequence[str]) -> Beside | None:
    """Return in a child process, if the command is one of those; the parent waits and leaves as the child does.

    It is a fork of the process as it starts, when nothing is loaded and no thread runs: that takes two milliseconds.
    Where the system has no `sigwaitinfo` (macOS, Windows), it returns here, and a crash has no words.

    Returns:
        A process beside the child for what a command can do while it loads torch, if it is one that does.
    """
    if not hasattr(signal, "sigwaitinfo") or not (arguments and arguments[0] in COMMANDS):
        return None
    end, held = os.pipe()
    signals = {*_PASSED_ON, signal.SIGCHLD}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    child = os.fork()
    if child:
        os.close(end)
        _leave_with(child, signals, arguments)
    os.close(held)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    beside = Beside() if arguments[0] in LOADING and possible() else None
    threading.Thread(target=_end_with_parent, args=(end,), daemon=True).start()
    return beside


def _end_with_parent(end: int) -> NoReturn:
    """The pipe ends when the parent does, however that was."""
    os.read(end, 1)
    os._exit(1)


def _leave_with(child: int, signals: set[signal.Signals], arguments: Sequence[str]) -> NoReturn:
    """Pass on what is sent to this process alone; what a terminal sends reaches the child by itself."""
    while not (ended := os.waitpid(child, os.WNOHANG))[0]:
        came = signal.sigwaitinfo(signals)
        if came.si_signo in _PASSED_ON and came.si_pid:
            os.kill(child, came.si_signo)
    code = os.waitstatus_to_exitcode(ended[1])
    if code == -signal.SIGTERM:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)
        os.kill(os.getpid(), signal.SIGTERM)
    if code == -signal.SIGINT:  # before it could say so
        _say(["interrupted"])
        os._exit(INTERRUPTED)
    os._exit(code if code >= 0 else _explained(signal.Signals(-code), arguments))


def _explained(crash: signal.Signals, arguments: Sequence[str]) -> int:
    """Which of the files named crashes its decoder, if one does; only now is anything loaded here."""
    if crash is signal.SIGKILL:
        _say(["the system ended the process (SIGKILL): most likely for want of memory"])
        return OUT_OF_MEMORY
    from deepfuse.errors import PhotoError
    from deepfuse.photo.isolated import onlooker

    said = []
    with onlooker() as looks:
        for path in _photos(arguments[1:]):
            try:
                looks.decode(path)
            except PhotoError as error:
                said.append(str(error))
    if not said and (most := most_addresses()) < inf:
        why = f"most likely for want of memory: it has a limit of {most / 1e9:.2g} GB (ulimit -v)"
        _say([f"the process crashed ({crash.name}), {why}"])
        return OUT_OF_MEMORY
    _say(said or [f"the process crashed ({crash.name}); each of its files alone can be read"])
    return BAD_INPUT


def _photos(arguments: Sequence[str]) -> Iterator[Path]:
    """The files that are named, and the photos in folders that are."""
    from deepfuse.grouping.shots import walk

    for path in map(Path, arguments):
        if path.is_file():
            yield path
        elif path.is_dir():
            yield from (file for _, files in walk(path) for file in files if file.suffix.lower() != RADIANCE_SUFFIX)


def _say(lines: Sequence[str]) -> None:
    for line in lines:
        say_error(line)
    if sys.stderr:
        sys.stderr.flush()  # the process leaves at once
