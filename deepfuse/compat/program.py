"""What the programs here share: an option that means nothing here, and a process of their own."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from deepfuse.exits import READER_GONE, failed
from deepfuse.interrupts import hear_lost_interrupts
from deepfuse.quiet import quiet_libraries
from deepfuse.terminal import say

DOCS = "docs/drop_in.md says more"


class Noted(argparse.Action):
    """An option that is taken and changes nothing: its name is added to `noted`."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option: str | None = None
    ) -> None:
        """Add the longest of its names, once."""
        name = max(self.option_strings, key=len)
        if name not in namespace.noted:
            namespace.noted.append(name)


def add_noted(parser: argparse.ArgumentParser, *names: str, value: str | None = None, optional: bool = False) -> None:
    """Options of one meaning that are noted; `value` is what its value is called, which may be `optional`."""
    nargs: int | str | None = 0 if value is None else "?" if optional else None
    parser.add_argument(*names, action=Noted, nargs=nargs, metavar=value, dest="noted", help=argparse.SUPPRESS)


def say_noted(noted: Sequence[str]) -> None:
    """One line on standard error of all options that mean nothing here."""
    if noted:
        said(f"{', '.join(noted)}: nothing to do here, taken without effect ({DOCS})")


def said(*lines: str) -> None:
    """What the user should know, on standard error."""
    for line in lines:
        say(f"deepfuse: {line}", sys.stderr)


def code_of(work: Callable[[], None]) -> int:
    """The exit code of what a program does, with what went wrong said."""
    try:
        work()
    except BrokenPipeError:  # who reads it, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return READER_GONE
    except (Exception, KeyboardInterrupt) as error:
        return failed(error)
    return 0


def check_count(files: Sequence[Path], least: int) -> None:
    """Refuse too few frames.

    Raises:
        ValueError: fewer than `least`.
    """
    if len(files) < least:
        raise ValueError(f"expected {least} or more exposures, got {len(files)}")


def run(main: Callable[[], int]) -> NoReturn:
    """Run a program as a process of its own."""
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # torch's threads must not spin where other programs run
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # NumPy's would
    quiet_libraries()
    hear_lost_interrupts()
    code = main()
    gc.freeze()  # to take torch's modules apart takes as long as to read a bracket
    sys.exit(code)
