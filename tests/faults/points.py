"""Where a run is killed: each point patches the flow so that the process, or DVC's, dies there by SIGKILL."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow

from deepfuse import registry
from flows import history, inbox, killed, moving, pipeline, retrain

WITHOUT_DVC = "in stage train, dvc alone"  # the run lives on, and sees it fail


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_with_children() -> None:
    for process in killed.started_here():
        process.kill()
    die()


def kill_dvc() -> None:
    """A training that it began lives on."""
    for process in killed.started_here():
        if "dvc" in (Path(word).stem for word in process.cmdline()):
            process.kill()


def before(owner: Any, name: str, when: Callable[..., bool] = lambda *_, **__: True) -> Callable[[], None]:
    """Die instead of calling this."""

    def install() -> None:
        called = getattr(owner, name)

        def patched(*arguments: Any, **options: Any) -> Any:
            if when(*arguments, **options):
                die()
            return called(*arguments, **options)

        setattr(owner, name, patched)

    return install


def at_line(text: str, end: Callable[[], None] = die_with_children) -> Callable[[], None]:
    """Die when DVC or a stage prints this."""

    def install() -> None:
        said = pipeline.log

        def patched(message: str, *values: object) -> None:
            said(message, *values)
            if text in message % values:
                end()

        pipeline.log = patched

    return install


def across_file_systems(owner: Any, name: str) -> Callable[[], None]:
    """Let the move be a copy, and die instead of calling this."""

    def install() -> None:
        rename = Path.rename

        def refuse(path: Path, target: Path) -> Path:
            if path.parent == inbox.INBOX and target.parent == inbox.RAW:
                raise OSError(errno.EXDEV, "another file system")
            return rename(path, target)

        Path.rename = refuse  # type: ignore[method-assign, assignment]
        before(
            owner, name, lambda path: path.name.startswith(".") if name == "_flush" else path.parent == inbox.INBOX
        )()

    return install


def second(name: str = "gale") -> Callable[..., bool]:
    return lambda path, *_: path.name == name


def command(*words: str) -> Callable[..., bool]:
    return lambda *arguments, **_: arguments[: len(words)] == words


POINTS: dict[str, Callable[[], None]] = {
    "between two moves": before(inbox, "move", second()),
    "in a copy across file systems": across_file_systems(moving, "_flush"),
    "after that copy, before the original goes": across_file_systems(moving, "remove"),
    "before dvc add": before(pipeline, "dvc", command("add")),
    "before dvc repro": before(pipeline, "dvc", command("repro")),
    "in stage ingest": at_line("Running stage 'ingest'"),
    "in stage align": at_line("Running stage 'align'"),
    "in stage patch": at_line("Running stage 'patch'"),
    "in stage train": at_line("epoch 2/"),
    "in stage train, the flow alone": at_line("epoch 2/", die),
    WITHOUT_DVC: at_line("epoch 2/", kill_dvc),
    "in stage evaluate": at_line("Running stage 'evaluate'"),
    "between repro and publish": before(registry, "publish"),
    "in publish, before the version": before(mlflow.MlflowClient, "create_model_version"),
    "in publish, after the version": before(mlflow.MlflowClient, "set_registered_model_alias"),
    "after publish": before(retrain, "promote"),
    "before the verdict": before(registry, "record_verdict"),
    "between verdict and alias": before(registry, "promote"),
    "between alias and note": before(registry, "tag_version"),
    "before dvc push": before(pipeline, "dvc", command("push")),
    "between commit and branch": before(history, "_git", command("update-ref")),
    "between branch and tags": before(
        registry, "tag_version", lambda version, tags: "deepfuse.data" in tags or "deepfuse.commit" in tags
    ),
    "before the end is noted": before(retrain, "write_json"),
}
