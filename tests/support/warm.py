"""Workers and dvc commands that begin as copies of one process in which their imports are done.

For tests of what they do; those of how they start, and of what they leave of a process, start them as users do.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

from pebble import ProcessPool

IMPORTS = """
    torch rawpy deepfuse.batch.run deepfuse.job deepfuse.stages.ingest deepfuse.stages.align
    dvc.cli dvc.cli.parser dvc.repo dvc.repo.reproduce dvc.repo.index dvc.stage.run dvc.output scmrepo.git
    dvc_data.index dvc_objects.fs dvc_data.hashfile.state
""".split()


def warm_pool(
    jobs: int, *, initializer: Callable[..., None], initargs: tuple[Any, ...], context: object
) -> ProcessPool:
    """A pool like that of spawned workers, with the environment of this moment."""
    del context
    start = (dict(os.environ), initializer, initargs)
    return ProcessPool(jobs, initializer=_begin_worker, initargs=start, context=_warm())


def warm_dvc(arguments: Sequence[str], *, folder: Path, environment: Mapping[str, str]) -> tuple[int, str, str]:
    """The exit code of a dvc command, what it printed, and its errors."""
    with tempfile.TemporaryDirectory() as temporary:
        out = Path(temporary)
        process = _warm().Process(target=_dvc, args=(list(arguments), folder.absolute(), dict(environment), out))
        process.start()
        process.join()
        assert process.exitcode is not None
        said, errors = ((out / name).read_text(errors="replace") for name in ("stdout", "stderr"))
        return process.exitcode, said, errors


class WarmCommand(AbstractContextManager["WarmCommand"]):
    """A dvc command of the flows in the place of `subprocess.Popen`: it has ended when it is made."""

    def __init__(self, command: Sequence[str], *, env: Mapping[str, str], **_: object) -> None:
        from flows import pipeline  # brings Prefect, which has loggers of its own

        assert command[: len(pipeline.DVC)] == pipeline.DVC
        self.returncode, said, errors = warm_dvc(command[len(pipeline.DVC) :], folder=Path(), environment=env)
        self.stdout: Iterator[str] = iter((said + errors).splitlines(keepends=True))

    def __exit__(self, *_: object) -> None: ...


def _warm() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(IMPORTS)
    return context


def _begin_worker(environment: Mapping[str, str], initializer: Callable[..., None], initargs: tuple[Any, ...]) -> None:
    _have(environment)
    initializer(*initargs)


def _have(environment: Mapping[str, str]) -> None:
    """That of the copied process is older."""
    os.environ.clear()
    os.environ.update(environment)


def _dvc(arguments: list[str], folder: Path, environment: Mapping[str, str], out: Path) -> None:
    from flows.dvc import main

    _have(environment)
    os.chdir(folder)
    sys.argv = ["dvc", *arguments]
    for number, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(out / name, os.O_WRONLY | os.O_CREAT), number)
    sys.exit(main(arguments))
