"""DVC, as commands: what it tracks, `dvc repro` with its progress in the log, and what a killed run leaves behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from deepfuse.params import read_yaml
from flows.inbox import RAW
from flows.login import SECRETS
from flows.logs import log
from flows.sets import file_md5

MODEL = Path("data/model")
REPORT = Path("data/report")
METRICS = Path("data/metrics")
LOCK = Path("dvc.lock")
RAW_DVC = Path("data/raw.dvc")
LAST_STAGE = "evaluate"
SITE_CACHE = Path(".deepfuse/dvc")
_MARK = "DEEPFUSE_RETRAINS_IN"


def dvc(*arguments: str, show: bool = True) -> str:
    """Run a dvc command; its lines go to the log while it runs. What decodes photos has no password of a server.

    Returns:
        What it printed.

    Raises:
        RuntimeError: it failed; the message carries its last lines.
    """
    folder = Path(sys.executable).parent
    path = os.pathsep.join([str(folder), os.environ.get("PATH", "")])
    harmless = {name: value for name, value in os.environ.items() if name not in SECRETS}
    environment = {"TQDM_MININTERVAL": "10", **harmless, "PATH": path, _MARK: str(Path.cwd())}  # seconds a line
    environment["DVC_SITE_CACHE_DIR"] = str(SITE_CACHE.absolute())  # an experiment's folder is another one
    lines = []
    with subprocess.Popen(
        [str(folder / "dvc"), *arguments],
        env=environment,
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
    if process.returncode:
        raise RuntimeError(
            f"dvc {' '.join(arguments)}: expected exit code 0, got {process.returncode}: {' | '.join(lines[-3:])}"
        )
    return "\n".join(lines)


def recover() -> None:
    """Make the folder ready for DVC after a run that was killed: end its children, drop locks without a holder."""
    for process in _marked():
        log("process %s of a killed run is ended; its finished epochs are kept", process.pid)
        with suppress(psutil.NoSuchProcess):
            process.kill()
    lock = Path(".dvc/tmp/rwlock")
    if lock.exists() and not _held(lock):
        lock.unlink()


def _marked() -> Iterator[psutil.Process]:
    """The processes that a retraining in this folder started."""
    here = str(Path.cwd())
    for process in psutil.process_iter(["environ"]):
        environment = process.info["environ"] or {}  # None where it is somebody else's, or ended
        if environment.get(_MARK) == here and process.pid != os.getpid():
            yield process


def _held(lock: Path) -> bool:
    """Whether a dvc that lives holds DVC's lock file: not one cut short, nor one whose process is another now."""
    try:
        entries = json.loads(lock.read_text(encoding="utf-8"))
        holders = [*entries["write"].values(), *(reader for readers in entries["read"].values() for reader in readers)]
        pids = [int(holder["pid"]) for holder in holders]
    except (ValueError, KeyError, TypeError, AttributeError):
        return False
    return any("dvc" in (Path(word).name for word in _words(pid)) for pid in pids)


def _words(pid: int) -> list[str]:
    """The command line of a process, empty if there is none."""
    try:
        return psutil.Process(pid).cmdline()
    except (psutil.Error, ValueError, OverflowError):
        return []


def restore_raw() -> None:
    """Put back what `data/raw.dvc` records and the disk has otherwise: brackets as shot do not change.

    A bracket that somebody deleted stays deleted. The changed file is kept beside the quarantine. Where it was written
    through the link that it shares with DVC's cache, only the remote has the file as it was.
    """
    if not (RAW_DVC.exists() and RAW.is_dir()):
        return
    status = _ask("data", "status", "--granular")
    changed = status.get("uncommitted", {}).get("modified", [])
    for name in (name for name in changed if name.startswith(f"{RAW.as_posix()}/") and not name.endswith("/")):
        kept = _find_whole(name)
        aside = Path("data/quarantine/changed") / Path(name).relative_to(RAW)
        aside.parent.mkdir(parents=True, exist_ok=True)
        Path(name).replace(aside)
        if kept:
            dvc("checkout", "--force", name)
        what = "restored" if kept else "NOT restored, neither DVC's cache nor a remote has it whole"
        log("%s changed since it was taken in: %s; the other content is %s", name, what, aside)


def _find_whole(name: str) -> bool:
    """Whether DVC's cache has a file of `data/raw` as it was taken in: fetched from the remote if it has not."""
    md5 = recorded_md5().get(Path(name))
    if md5 is None:
        return True  # its list of files is damaged: DVC knows more
    stored = _stored(md5)
    if stored.exists() and file_md5(stored) != md5:
        stored.unlink()
    if not stored.exists() and has_remote():
        dvc("fetch", name)
    return stored.exists()


def recorded_md5() -> dict[Path, str]:
    """The MD5 of the files in `data/raw`, as DVC recorded them; empty where it recorded none."""
    if not RAW_DVC.exists():
        return {}
    listing = _stored(raw_md5())
    try:
        return {RAW / entry["relpath"]: str(entry["md5"]) for entry in json.loads(listing.read_text(encoding="utf-8"))}
    except FileNotFoundError:
        return {}  # the files themselves are read instead
    except ValueError:
        log("%s is damaged: dropped, for DVC to write it anew", listing)
        listing.unlink()
        return {}


def _stored(md5: str) -> Path:
    """Where DVC's cache has the content of this MD5."""
    return Path(".dvc/cache/files/md5", md5[:2], md5[2:])


def raw_md5() -> str:
    """What `data/raw.dvc` says of the content of `data/raw`; empty without one."""
    return str(read_yaml(RAW_DVC)["outs"][0]["md5"]) if RAW_DVC.exists() else ""


def up_to_date() -> bool:
    """Whether `dvc repro` would run nothing."""
    if not LOCK.exists():
        return False
    return not _ask("status", "--with-deps", LAST_STAGE)


def _ask(*arguments: str) -> dict[str, Any]:
    """What dvc answers as JSON, apart from its warnings."""
    lines = dvc(*arguments, "--json", show=False).splitlines()
    answer: dict[str, Any] = json.loads(next(line for line in reversed(lines) if line.startswith("{")))
    return answer


def model_key() -> str:
    """What names the model by its content: the md5 of `data/model` in `dvc.lock`."""
    outs = read_yaml(LOCK)["stages"]["train"]["outs"]
    return next(str(out["md5"]) for out in outs if out["path"] == MODEL.as_posix())


def has_remote() -> bool:
    """Whether DVC has a remote to push to by default."""
    return bool(dvc("config", "core.remote", show=False).strip())
