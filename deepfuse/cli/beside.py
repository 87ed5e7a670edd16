"""A process beside the command's own that prepares its frames: Python runs one thread at a time, and to import torch is
a second of Python."""

from __future__ import annotations

import mmap
import os
import pickle
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from io import BytesIO
from typing import Any, BinaryIO, NoReturn, TypeVar

T = TypeVar("T")
_LENGTH_BYTES = 8  # before what is asked
_MUCH = 1.5  # times a part of an array: less is sent as it is, for to copy the part takes as much memory again


class Beside:
    """A fork of this process for one call, whose result may be large: `submit` and `shutdown` are an executor's.

    It is to be made while nothing is loaded and no thread runs, and only where it is `possible`. It loads what prepares
    frames at once, while the command still reads its arguments, and ends when this process does.
    """

    def __init__(self) -> None:
        self._memory = os.memfd_create("deepfuse")
        calls, call = os.pipe()
        answer, answers = os.pipe()
        self._child = os.fork()
        if not self._child:
            os.close(call)
            os.close(answer)
            _serve(os.fdopen(calls, "rb"), os.fdopen(answers, "wb"), self._memory)
        os.close(calls)
        os.close(answers)
        self._call, self._answer = os.fdopen(call, "wb"), os.fdopen(answer, "rb")
        self._waiting = ThreadPoolExecutor(1)

    def submit(self, work: Callable[..., T], *args: object) -> Future[T]:
        """What `work(*args)` returns or raises there; where that crashes the process, this one crashes in its place."""
        call = pickle.dumps((work, args))
        self._call.write(len(call).to_bytes(_LENGTH_BYTES, "big") + call)
        self._call.flush()
        return self._waiting.submit(self._result)

    def shutdown(self, *, wait: bool) -> None:
        """Take no further calls."""
        self._waiting.shutdown(wait=wait)
        os.waitpid(self._child, os.WNOHANG)  # what it took is told with what this process took

    def _result(self) -> Any:
        try:
            well, sizes = pickle.load(self._answer)
        except EOFError:
            code = os.waitstatus_to_exitcode(os.waitpid(self._child, 0)[1])
            if code < 0:
                os.kill(os.getpid(), -code)
            raise RuntimeError(f"the process that prepares frames ended with code {code}") from None
        data, *buffers = _parts(mmap.mmap(self._memory, sum(sizes)), sizes)
        result = pickle.loads(data, buffers=buffers)
        if not well:
            raise result
        return result


def possible() -> bool:
    """Whether the system has what it takes: memory without a name, whose size nobody limits (Linux)."""
    return hasattr(os, "memfd_create")


def _parts(memory: mmap.mmap, sizes: list[int]) -> list[memoryview]:
    """What was written there one after the other."""
    whole, ends = memoryview(memory), [sum(sizes[: count + 1]) for count in range(len(sizes))]
    return [whole[end - size : end] for size, end in zip(sizes, ends, strict=True)]


def _serve(calls: BinaryIO, answers: BinaryIO, memory: int) -> NoReturn:
    """Answer one call, unless this process is not needed any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who asks is interrupted too, and its end is the end of this one
    received: list[bytes] = []
    came = threading.Event()
    threading.Thread(target=_listen, args=(calls, received, came), daemon=True).start()
    with suppress(Exception):  # which is told to who asks
        import deepfuse.job.prepare  # noqa: F401 # what is asked for will need it

    came.wait()
    try:
        work, args = pickle.loads(received[0])  # in this thread, for two that import may each see half of a module
        well, parts = True, _pickled(work(*args))
    except Exception as error:
        sent = _portable(error)
        sent.add_note(traceback.format_exc())
        well, parts = False, [memoryview(pickle.dumps(sent))]
    with os.fdopen(memory, "wb", buffering=0) as file:
        for part in parts:
            _write(file, part)
    pickle.dump((well, [part.nbytes for part in parts]), answers)
    for stream in filter(None, (answers, sys.stdout, sys.stderr)):  # those of the program may be closed
        stream.flush()
    os._exit(0)


def _listen(calls: BinaryIO, received: list[Any], came: threading.Event) -> None:
    """Take the call, then see the caller end, and end the process, also in the middle."""
    try:
        length = int.from_bytes(calls.read(_LENGTH_BYTES), "big")
        call = calls.read(length)
        if call and len(call) == length:
            received.append(call)
            came.set()
            calls.read()
    finally:
        os._exit(1)


def _write(file: Any, part: memoryview) -> None:
    while part.nbytes:
        part = part[file.write(part) :]


def _portable(error: Exception) -> Exception:
    """An error that can be sent; those of libraries may be written and not be read again."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def _pickled(result: object) -> list[memoryview]:
    """A result as bytes, and behind them its arrays, which are not copied."""
    from numpy import ascontiguousarray, ndarray

    class Pickler(pickle.Pickler):
        def reducer_override(self, obj: Any) -> Any:
            """Parts of larger arrays lie outside of the bytes too, with all of the array where that is little more."""
            if not isinstance(obj, ndarray) or obj.flags.forc:
                return NotImplemented
            whole = obj.base
            if isinstance(whole, ndarray) and whole.flags.c_contiguous and whole.nbytes < _MUCH * obj.nbytes:
                first = obj.__array_interface__["data"][0] - whole.__array_interface__["data"][0]
                return ndarray, (obj.shape, obj.dtype, whole, first, obj.strides)
            return ascontiguousarray(obj).__reduce_ex__(5)

    data, arrays = BytesIO(), list[pickle.PickleBuffer]()
    Pickler(data, 5, buffer_callback=arrays.append).dump(result)
    return [data.getbuffer(), *(array.raw() for array in arrays)]
