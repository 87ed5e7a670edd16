"""The DVC remote: what made a model goes there, and is seen to be there.

Where a remote has the list of a folder, DVC believes it to have all the files of that folder, and it remembers what it
once saw there. So after `dvc push` each of them is looked for in a list of what lies there, and what is missing is sent
as single files.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deepfuse.bracket import printable
from deepfuse.files import write_json
from deepfuse.params import read_yaml
from flows import pipeline
from flows.inbox import RAW
from flows.logs import log
from flows.pipeline import LAST_STAGE, LOCK, RAW_DVC
from flows.remote_trouble import naming_remote

SINGLE_FILES = Path("data/missing.dvc")  # while they are sent
FOLDERS = 256  # of a remote, each of which a list of it asks for: fewer files are asked for themselves
_NAMED = 5  # files in a message


def push() -> None:
    """Send the data and the model to the default remote, where there is one, and see that it has all of them.

    Raises:
        RuntimeError: it cannot be reached, or lacks files still.
    """
    SINGLE_FILES.unlink(missing_ok=True)
    if not pipeline.has_remote():
        log("no default DVC remote is configured: nothing is pushed")
        return
    with naming_remote():
        pipeline.dvc("push", "--with-deps", LAST_STAGE)
        if missing := _absent():
            log("the DVC remote lacks %s files that it should have: they are sent again", len(missing))
            _send(missing)
            missing = _absent()
    if missing:
        names = ", ".join(printable(name) for name in missing[:_NAMED]) + (", …" if len(missing) > _NAMED else "")
        raise RuntimeError(
            f"dvc push: expected all data on the remote, got {len(missing)} files missing there: {names}"
        )


def absent() -> list[str]:
    """The files of the newest model, its data and its brackets that the remote has not.

    Raises:
        RuntimeError: it cannot be reached.
    """
    with naming_remote():
        return _absent()


def _absent() -> list[str]:
    """A list of the remote says at once what is there. Of what it does not show, each file is asked for."""
    wanted = {path: _contents(path, content) for path, content in tracked()}
    there = _listing() if sum(len(contents or ()) for contents in wanted.values()) > FOLDERS else set()
    unseen = [str(path) for path, contents in wanted.items() if contents is None or not contents <= there]
    if not unseen:
        return []
    answer = pipeline.ask("data", "status", "--granular", "--not-in-remote", *unseen)
    return list(answer.get("not_in_remote", []))


def _contents(path: Path, content: str) -> set[str] | None:
    """The MD5 of what a path needs on the remote; `None` where DVC's cache has not the whole list of a folder."""
    if not content.endswith(".dir"):
        return {content}
    try:
        return {content, *pipeline.listed(path, content).values()}
    except (OSError, ValueError, KeyError, TypeError):  # lost, or cut short
        return None


def _listing() -> set[str]:
    """The MD5 of what lies on the remote; of one that has no lists, such as a web server, nothing."""
    folder = f"remote://{pipeline.remote_name()}/files/md5"
    try:
        lines = pipeline.dvc("list-url", "--recursive", folder, show=False).splitlines()
    except RuntimeError as error:
        log("each file is asked for, since the remote gives no list: %s", printable(str(error)))
        return set()
    return {line.replace("/", "") for line in lines}


def _send(missing: list[str]) -> None:
    """Push files alone, with an empty memory of the remote."""
    known: dict[Path, str] = {}
    for path, content in tracked():
        known |= pipeline.listed(path, content) if content.endswith(".dir") else {path: content}
    contents = {known[Path(name)] for name in missing if Path(name) in known}
    outs = [{"md5": md5, "hash": "md5", "path": f"missing/{md5}"} for md5 in sorted(contents)]
    with tempfile.TemporaryDirectory() as memory:
        try:
            write_json(SINGLE_FILES, {"outs": outs})
            pipeline.dvc("push", str(SINGLE_FILES), DVC_SITE_CACHE_DIR=memory)
        finally:
            SINGLE_FILES.unlink(missing_ok=True)


def tracked() -> Iterator[tuple[Path, str]]:
    """What the last stage and those before it read and wrote, as far as DVC stores it, with its MD5."""
    stages: dict[str, Any] = read_yaml(LOCK)["stages"]
    makers = {out["path"]: name for name, stage in stages.items() for out in stage.get("outs", [])}
    names = [LAST_STAGE]
    for name in names:  # which grows
        yield from ((Path(out["path"]), str(out["md5"])) for out in stages[name].get("outs", []))
        read = [Path(dep["path"]) for dep in stages[name].get("deps", [])]
        homes = {home.as_posix() for path in read for home in (path, *path.parents)}  # of a manifest, its folder
        names += sorted({makers[home] for home in homes & makers.keys()} - set(names))
        if RAW in read and RAW_DVC.exists():
            yield RAW, pipeline.raw_md5()
