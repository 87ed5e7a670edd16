"""The program `deepfuse`, also as `python -m deepfuse.cli`: what belongs to a process of its own."""

import atexit
import gc
import os
import signal
import sys
import threading
from contextlib import suppress
from typing import NoReturn

from deepfuse.interrupts import ended_by_interrupt, hear_lost_interrupts

SETTINGS = {
    "OMP_WAIT_POLICY": "passive",  # torch's threads must not spin where other programs run
    "OPENBLAS_NUM_THREADS": "1",  # NumPy's would spin as well, and have a few small matrices to multiply
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",  # of 7, which take minutes: who calls may retry
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}


def program() -> NoReturn:
    """The same as `run`, but with torch loaded it leaves without taking all modules apart, which takes 0.2 s.

    Where a profiler or coverage looks on, it leaves as Python does.
    """
    try:
        run()
    except SystemExit as stop:
        if "torch" not in sys.modules or sys.getprofile() or sys.gettrace() or _abandoned():
            raise
        _leave_at_once(stop.code if isinstance(stop.code, int) else 0)


def run() -> NoReturn:
    """Run the command line and leave as Python does, so that profilers and coverage write what they measured."""
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    code = _code()
    gc.freeze()  # to take torch's modules apart takes as long as to align a bracket
    if code and _abandoned():
        _leave_at_once(code)
    sys.exit(code)


def _code() -> int:
    """What comes of the command line; whoever interrupts what is loaded for it sees no traceback."""
    with ended_by_interrupt():
        from deepfuse.cli import commands, main  # noqa: F401 # `main` loads the former
        from deepfuse.cli.guard import guard
        from deepfuse.cli.memory import too_little
        from deepfuse.exits import BAD_INPUT, OUT_OF_MEMORY, READER_GONE, failed
        from deepfuse.heap import keep_freed_memory
        from deepfuse.quiet import quiet_libraries
        from deepfuse.terminal import say_error

        keep_freed_memory()
    hear_lost_interrupts()
    if why := too_little(sys.argv[1:]):
        say_error(why)
        return OUT_OF_MEMORY
    try:
        with ended_by_interrupt():
            beside = guard(sys.argv[1:])
            quiet_libraries()
    except OSError as error:  # no process more, or no memory for one
        return failed(error)
    try:
        code = main(beside=beside)
        print(end="", flush=True)  # nothing where standard output is closed
        return code
    except BrokenPipeError:  # who reads it, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return READER_GONE
    except OSError as error:
        say_error(f"the output cannot be written: {error.strerror}")
        return BAD_INPUT
    except KeyboardInterrupt as error:  # before the command began, or again while it ended
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        return failed(error)
    except Exception as error:  # while the arguments were read
        return failed(error)


def _abandoned() -> bool:
    """Whether threads still work on what a refused model or Ctrl-C left nobody to wait for."""
    return any(thread is not threading.main_thread() and not thread.daemon for thread in threading.enumerate())


def _leave_at_once(code: int) -> NoReturn:
    """Leave with the work of the exit handlers done, but without waiting for threads, which nothing can stop."""
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # which was told
            print(end="", file=stream, flush=True)
    os._exit(code)


if __name__ == "__main__":
    program()
