"""The command in a process with limits of time and memory, what it took and what it said."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from deepfuse.bracket import printable


@dataclass(frozen=True)
class Limits:
    """Of one process: seconds, and bytes of memory."""

    seconds: float
    memory: float


@dataclass(frozen=True)
class Ran:
    """How a command ended: its exit code, below 0 for a signal, what it took, and what it said."""

    code: int
    seconds: float
    peak_mb: float
    out: str
    err: str
    stopped: bool

    @property
    def said(self) -> str:
        """The first line on standard error, else on standard output; nothing of a record in JSON."""
        said = self.err or ("" if self.out.startswith("{") else self.out)
        return printable(said.strip().split("\n")[0])

    @property
    def crash(self) -> str:
        """What no command may end with; empty where all is well."""
        if self.stopped:
            return "took too long"
        if self.code < 0:
            return signal.Signals(-self.code).name
        return "traceback" if "Traceback" in self.err else ""


def run(arguments: Sequence[str], limits: Limits) -> Ran:
    """The command in a process group of its own, which is killed when its time is over."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_DATA, (int(limits.memory), int(limits.memory)))

    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        started, late = time.monotonic(), threading.Event()
        child = subprocess.Popen(
            [sys.executable, "-m", "deepfuse.cli", *arguments], stdout=out, stderr=err, stdin=subprocess.DEVNULL,
            start_new_session=True, preexec_fn=limit,
        )  # fmt: skip
        timer = threading.Timer(limits.seconds, lambda: (late.set(), os.killpg(child.pid, signal.SIGKILL)))
        timer.start()
        try:
            _, status, usage = os.wait4(child.pid, 0)
        finally:
            timer.cancel()
        child.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - started
        out.seek(0)
        err.seek(0)
        texts = [stream.read().decode("utf-8", "replace") for stream in (out, err)]
    return Ran(child.returncode, seconds, usage.ru_maxrss / 1024, *texts, late.is_set())
