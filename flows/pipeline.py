"""DVC, as commands: what it tracks, and `dvc repro` with its progress in the log."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from deepfuse.files import write_text
from deepfuse.params import read_params, read_yaml
from flows.killed import MARK, RWLOCK, held
from flows.login import BUCKET, SECRETS
from flows.logs import log
from flows.standing import standing

ALIGNED = Path("data/aligned")
MODEL = Path("data/model")
REPORT = Path("data/report")
METRICS = Path("data/metrics")
LOCK = Path("dvc.lock")
RAW = Path("data/raw")
RAW_DVC = RAW.with_suffix(".dvc")
FIRST_STAGE, LAST_STAGE = "ingest", "evaluate"
NEXT_STAGES = ("align", "replay")  # with all that follow them, what there is beside the first
DVC = [sys.executable, "-P", str(Path(__file__).with_name("dvc.py"))]
STANDING = Path(".deepfuse/cache/standing")  # of all that it needs, when nothing was left to do
SITE_CACHE = Path(".deepfuse/dvc")
BUSY = ("is busy, it is being blocked by", "Unable to acquire lock")
_RUN_STAGES = ("repro", "renew", "exp")
_NO_NEWS = "Having any troubles?"  # DVC's last line of every error that it does not know
POLL_S = 10.0
HOURS = 6.0  # a night's training of somebody
LONGEST_WAIT_S = 3600 * HOURS


def dvc(*arguments: str, show: bool = True, **settings: str) -> str:
    """Run a dvc command; its lines go to the log while it runs. Somebody's own dvc command here is waited for.

    Args:
        arguments: the words of a command of `flows.dvc`, which has all of DVC's.
        show: whether its lines go to the log.
        settings: more variables of its environment.

    Returns:
        What it printed.

    Raises:
        RuntimeError: it failed, or found another at work for hours; the message carries its last lines.
    """
    end = time.monotonic() + LONGEST_WAIT_S
    while True:
        code, lines = _run(arguments, show, settings)
        if not code:
            return "\n".join(lines)
        said = " | ".join([line for line in lines if _NO_NEWS not in line][-3:])
        if not any(sign in line for line in lines for sign in BUSY) or time.monotonic() > end:
            full = f"; {shutil.disk_usage(Path()).free:,} bytes are free" if any(map(_speaks_of_space, lines)) else ""
            raise RuntimeError(f"dvc {' '.join(arguments)}: expected exit code 0, got {code}: {said}{full}")
        log("another dvc works in this folder: dvc %s waits for it, %.0f hours at most: %s", arguments[0], HOURS, said)
        _await_others(end)


def _speaks_of_space(line: str) -> bool:
    """Whether a full disk may be what dvc complains of; it can then make no link or copy of any type."""
    return "No space left" in line or "No possible cache link types" in line


def _await_others(end: float) -> None:
    """Wait once, and for as long as a dvc that lives holds DVC's lock file."""
    time.sleep(POLL_S)
    while held(RWLOCK) and time.monotonic() < end:
        time.sleep(POLL_S)


def _run(arguments: Sequence[str], show: bool, settings: Mapping[str, str]) -> tuple[int, list[str]]:
    """The exit code and the lines of a dvc command."""
    lines = []
    with subprocess.Popen(
        [*DVC, *arguments],
        env={**environment(arguments[0]), **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            assert process.stdout is not None
            for line in filter(str.strip, process.stdout):
                lines.append(line.rstrip())
                if show:
                    log("%s", lines[-1])
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)  # a cancelled run leaves no training behind
            raise
    return process.returncode, lines


def environment(command: str) -> dict[str, str]:
    """What a dvc command gets. What decodes photos has no password of a server or a bucket."""
    secret = (*SECRETS, *BUCKET) if command in _RUN_STAGES else SECRETS
    harmless = {name: value for name, value in os.environ.items() if name not in secret}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    # An experiment's folder is another one: it wants DVC's state by its whole name.
    own = {"PATH": path, MARK: str(Path.cwd()), "DVC_SITE_CACHE_DIR": str(SITE_CACHE.absolute())}
    # Where a bucket went away, botocore by default tries each of a hundred thousand files for seconds; so it ceases.
    known = {"TQDM_MININTERVAL": "10", "AWS_RETRY_MODE": "standard"}  # seconds a line
    return {**known, **harmless, **own}


def raw_md5() -> str:
    """What `data/raw.dvc` says of the content of `data/raw`; empty without one."""
    return str(read_yaml(RAW_DVC)["outs"][0]["md5"]) if RAW_DVC.exists() else ""


def up_to_date() -> bool:
    """Whether `dvc repro` would run nothing: as DVC says, or said of the very files that are there."""
    if not LOCK.exists() or _has_other_brackets():
        return False
    now = standing(LOCK)
    if now and STANDING.exists() and STANDING.read_text(encoding="utf-8") == now:
        return True
    if ask("status", "--with-deps", LAST_STAGE):
        return False
    if now:
        STANDING.parent.mkdir(parents=True, exist_ok=True)
        write_text(STANDING, now)
    return True


def _has_other_brackets() -> bool:
    """Whether `data/raw.dvc` records others than the stages read last, by `dvc.lock`."""
    if not (LOCK.exists() and RAW_DVC.exists()):
        return False
    deps = (dep for stage in read_yaml(LOCK)["stages"].values() for dep in stage.get("deps", ()))
    read = {str(dep["path"]): dep.get("md5") for dep in deps}
    return bool(read.get(RAW.as_posix(), raw_md5()) != raw_md5())


def reproduce() -> None:
    """`dvc repro`, whose lines go to the log.

    Where other brackets are recorded, the first stage is run at once and not looked at again: DVC would walk through
    all of them time and again to find out that it must, and that it did.

    Raises:
        RuntimeError: a stage failed.
    """
    if _has_other_brackets() and Path(read_params().ingest.source) == RAW:
        dvc("renew", FIRST_STAGE)
        dvc("repro", "--downstream", *NEXT_STAGES)
    else:
        dvc("repro", LAST_STAGE)


def ask(*arguments: str) -> dict[str, Any]:
    """What dvc answers as JSON, apart from its warnings."""
    lines = dvc(*arguments, "--json", show=False).splitlines()
    answer: dict[str, Any] = json.loads(next(line for line in reversed(lines) if line.startswith("{")))
    return answer


def model_key() -> str:
    """What names the model by its content: the md5 of `data/model` in `dvc.lock`."""
    outs = read_yaml(LOCK)["stages"]["train"]["outs"]
    return next(str(out["md5"]) for out in outs if out["path"] == MODEL.as_posix())


def remote_name() -> str:
    """The name of the remote that DVC pushes to by default; empty without one."""
    return dvc("config", "core.remote", show=False).rpartition("\n")[2].strip()


def has_remote() -> bool:
    """Whether DVC has a remote to push to by default."""
    return bool(remote_name())
