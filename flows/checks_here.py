"""What the doctor looks at in the checkout: versions, disk, brackets, the remote, the inbox, the last run."""

from __future__ import annotations

import json
import re
import shutil
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from packaging.markers import Marker

from deepfuse.errors import ParamsError
from deepfuse.params import read_params
from flows import dvc_cache, pipeline, remote
from flows.findings import Check, Finding, fault, ok, warning
from flows.inbox import INBOX, RAW
from flows.lock import FINISHED, is_running, is_unfinished
from flows.sets import find_sets

REQUIREMENTS = Path("requirements.lock")
FULL_GB, NARROW_GB = 1.0, 10.0
WAITS_S = 24 * 3600
_PIN = r"^([\w.-]+)==(\S+)(?: *; *([^\\\n]+))?"  # name, version, marker
_UP = "`python -m flows up` asks for a run"
_REMOVE = "`python -m flows remove SET`"


def check_versions() -> Iterator[Finding]:
    """The libraries that `params.yaml` declares, and the packages of the lock."""
    libraries = read_params().libraries
    try:
        libraries.installed(*libraries.model_dump())
    except ParamsError as error:
        yield fault(str(error))
    if not REQUIREMENTS.exists():
        yield warning(f"no {REQUIREMENTS} here to compare the packages with")
        return
    text = REQUIREMENTS.read_text(encoding="utf-8")
    others = [line for line in map(_other_version, re.findall(_PIN, text, re.MULTILINE)) if line]
    if others:
        yield warning(f"{', '.join(others)}: not as {REQUIREMENTS} has them: `make check` installs those")
    else:
        yield ok(f"Python {sys.version.split()[0]}, packages as {REQUIREMENTS} has them")


def _other_version(locked: tuple[str, str, str]) -> str | None:
    name, wanted, marker = locked
    if marker and not Marker(marker).evaluate():
        return None  # of another system or Python
    try:
        got = version(name)
    except PackageNotFoundError:
        return f"no {name}"
    return None if got == wanted else f"{name} {got} instead of {wanted}"


def check_disk() -> Iterator[Finding]:
    """Room for the data, its cache and the registry."""
    free_gb = shutil.disk_usage(Path.cwd()).free / 1e9
    said = f"{free_gb:.1f} GB free"
    if free_gb < FULL_GB:
        yield fault(f"{said}: a run needs room for its frames, patches and DVC's copies: free {FULL_GB:g} GB or more")
    elif free_gb < NARROW_GB:
        yield warning(f"{said}: soon too little: `python -m flows tidy` says what may go")
    else:
        yield ok(said)


def check_brackets() -> Iterator[Finding]:
    """What `data/raw.dvc` records, against what lies there."""
    source = Path(read_params().ingest.source)
    if source != RAW:
        yield ok(f"the pipeline reads {source}, no bracket is taken in")
        return
    if not pipeline.RAW_DVC.exists():
        yield warning(f"no bracket is recorded yet: {pipeline.RAW_DVC} is made when the first arrive")
        return
    try:
        recorded = dvc_cache.listed(RAW, pipeline.raw_md5())
    except (OSError, ValueError):  # looked at, not mended: the doctor changes nothing
        what = "the next run fetches it, or says what to do"
        yield fault(f"the list of {pipeline.RAW_DVC} is not in DVC's cache: {what}")
        return
    lost = sorted(str(path) for path in recorded if not path.is_file())
    if lost:
        back = "the next run puts them back, if DVC's cache or remote has them"
        yield warning(f"{len(lost)} of {len(recorded)} files are gone, {lost[0]} first: {back}: {_REMOVE} if meant")
    elif new := [str(entry) for entry in find_sets(RAW) if not any(path.is_relative_to(entry) for path in recorded)]:
        yield warning(f"{len(new)} sets are not recorded, {new[0]} first: the next run does")
    else:
        yield ok(f"{len(recorded)} files recorded and there")


def check_remote() -> Iterator[Finding]:
    """Whether what the remote should have is there."""
    if is_running():
        yield ok("not asked while a run is at work")
        return
    if not pipeline.has_remote():
        yield warning("no DVC remote: data and models are on this disk alone: `dvc remote add --default NAME URL`")
        return
    if not pipeline.LOCK.exists():
        yield ok("nothing was made yet that it should have")
    elif lacking := remote.absent():
        yield warning(f"{len(lacking)} files are not there, {lacking[0]} first: the next run sends them")
    else:
        yield ok("the remote has all that made the newest model")


def check_inbox() -> Iterator[Finding]:
    """How many sets wait, and for how long."""
    waiting = find_sets(INBOX)
    if not waiting:
        yield ok("nothing waits")
        return
    oldest_s = time.time() - min(entry.lstat().st_mtime for entry in waiting)
    said = f"{len(waiting)} sets wait, the oldest for {oldest_s / 3600:.1f} h"
    yield ok(said) if oldest_s < WAITS_S else warning(f"{said}: {_UP}; its log says what it leaves")


def check_last_run() -> Iterator[Finding]:
    """Whether the last run came to its end, and when."""
    if is_running():
        yield ok("a run is at work")
    elif is_unfinished():
        yield warning(f"the last one did not come to its end: {_UP}, which goes on with it")
    elif FINISHED.exists():
        at = datetime.fromtimestamp(FINISHED.stat().st_mtime, UTC)
        made = json.loads(FINISHED.read_text(encoding="utf-8")).get("version")
        yield ok(f"the last one with something new ended at {at:%Y-%m-%d %H:%M} UTC with version {made}")
    else:
        yield ok("none made a version yet")


HERE: dict[str, Check] = {
    "versions": check_versions,
    "disk": check_disk,
    "brackets": check_brackets,
    "remote": check_remote,
    "inbox": check_inbox,
    "runs": check_last_run,
}
