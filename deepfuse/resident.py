"""One worker process that stays: it answers calls one by one, and what crashes, hangs or swells it costs one call."""

from __future__ import annotations

import os
import pickle
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from deepfuse.heap import give_back_memory, keep_freed_memory
from deepfuse.workers import allowed_memory, crash, limit_memory, out_of_memory

T = TypeVar("T")
_PROGRAM = "import sys; sys.path[:] = {path!r}; from deepfuse.resident import serve; serve({limit})"


class ResidentError(Exception):
    """Why a call got no answer."""


class Resident:
    """A process of its own for calls that may end it; it is started at once, and again after each such call.

    A plain subprocess, not one of `multiprocessing`: that would run the main module of the caller again, which need not
    be written for it, and is forbidden inside of a pool's worker.

    Args:
        memory_gb: what the process may hold, in 10⁹ bytes, where the system keeps such a limit; `None` for no limit.
        seconds: how long a call may take; `None` for as long as it wants.
        folder: its working directory, that of this process by default.
        path: where it looks for modules, as this process does by default.
        environment: its environment, that of this process by default.
        what: it reads, as a crash is told.
    """

    def __init__(
        self,
        *,
        memory_gb: float | None,
        seconds: float | None,
        folder: Path | None = None,
        path: Sequence[str] | None = None,
        environment: Mapping[str, str] | None = None,
        what: str = "it",
    ) -> None:
        allowed = allowed_memory(memory_gb)
        self._limit = int(allowed) if allowed else None
        self._seconds = seconds
        self._program = _PROGRAM.format(path=list(sys.path if path is None else path), limit=self._limit)
        self._folder, self._environment, self._what = folder, environment, what
        self._process = self._started()

    def ask(self, work: Callable[..., T], *args: object, seconds: float | None = None) -> T:
        """What `work(*args)` returns or raises there; all of it can be pickled.

        Args:
            work: a function that can be pickled.
            args: its arguments.
            seconds: how long this call may take, where it is not what all may.

        Raises:
            ResidentError: it crashed, took too long, or needed too much memory.
        """
        if self._process.poll() is not None:
            self._process = self._started()
        allowed, late = seconds or self._seconds, threading.Event()
        timer = threading.Timer(allowed or 0, self._stop, (late,))
        if allowed:
            timer.start()
        try:
            done, answer = self._exchange((work, args))
        except (EOFError, OSError, pickle.UnpicklingError) as error:
            code = self._process.wait()
            why = f"took longer than {allowed:g} s" if late.is_set() else crash(code, self._what)
            raise ResidentError(why) from error
        finally:
            timer.cancel()
        if isinstance(answer, MemoryError):
            self.close()  # what it holds may be too much for the next call too
            raise ResidentError(out_of_memory(self._limit))
        if not done:
            raise answer
        result: T = answer
        return result

    def close(self) -> None:
        """End the process; another call starts it again."""
        self._process.kill()
        self._process.wait()

    def _stop(self, late: threading.Event) -> None:
        late.set()
        self._process.kill()

    def _started(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-c", self._program], cwd=self._folder, env=self._environment,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def _exchange(self, call: object) -> tuple[bool, Any]:
        assert self._process.stdin
        assert self._process.stdout
        pickle.dump(call, self._process.stdin)
        self._process.stdin.flush()
        answer: tuple[bool, Any] = pickle.load(self._process.stdout)
        return answer


def serve(limit_bytes: int | None) -> None:
    """Answer the calls on standard input until it ends; what libraries print goes nowhere."""
    if limit_bytes:
        limit_memory(limit_bytes)
    keep_freed_memory()
    calls: queue.Queue[tuple[Callable[..., object], tuple[object, ...]]] = queue.Queue()
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    threading.Thread(target=_listen, args=(sys.stdin.buffer, calls), daemon=True).start()
    while True:
        work, args = calls.get()
        answers.write(answer(work, args))
        answers.flush()
        give_back_memory()


def _listen(stream: BinaryIO, calls: queue.Queue[tuple[Callable[..., object], tuple[object, ...]]]) -> None:
    """Take the calls in a thread of its own, which sees the caller end, and ends the process, also in the middle."""
    while True:
        try:
            calls.put(pickle.load(stream))
        except EOFError:
            os._exit(0)


def answer(work: Callable[..., object], args: tuple[object, ...]) -> bytes:
    """Whether a call went well and what it returned or raised, pickled."""
    try:
        return pickle.dumps((True, work(*args)))
    except Exception as error:
        try:
            data = pickle.dumps((False, error))
            pickle.loads(data)  # errors of libraries may be written and not be read again
            return data
        except Exception:
            return pickle.dumps((False, RuntimeError(f"{type(error).__name__}: {error}")))
