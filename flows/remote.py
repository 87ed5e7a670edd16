"""The DVC remote: what made a model goes there, and is seen to be there.

Where a remote has the list of a folder, DVC believes it to have all the files of that folder, and it remembers what it
once saw there. So each of them is looked for in a list of what lies there, before and after. What is missing is sent as
single files; `dvc push` is for many.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from deepfuse.bracket import printable
from deepfuse.params import read_yaml
from flows import dvc_cache, pipeline
from flows.inbox import RAW
from flows.logs import log
from flows.pipeline import LAST_STAGE, LOCK, METRICS, RAW_DVC
from flows.remote_trouble import naming_remote

FEW = 1000  # files that are sent by themselves
FOLDERS = 256  # of a remote, each of which a list of it asks for: fewer files are asked for themselves
_NAMED = 5  # files in a message


def push() -> None:
    """Send the data and the model to the default remote, where there is one, and see that it has all of them.

    Raises:
        RuntimeError: it cannot be reached, or lacks files still.
    """
    if not pipeline.has_remote():
        log("no default DVC remote is configured: nothing is pushed")
        return
    with naming_remote():
        lacking = _lacking()
        if lacking is None or len(lacking) > FEW:
            pipeline.dvc("push", "--with-deps", LAST_STAGE)
        else:
            _send(lacking)
        if missing := _absent():
            log("the DVC remote lacks %s files that it should have: they are sent again", len(missing))
            _send(_contents_named(missing))
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
    wanted = _wanted()
    there = _listing() if _are_many(wanted) else set()
    unseen = [str(path) for path, contents in wanted.items() if contents is None or not contents <= there]
    if not unseen:
        return []
    answer = pipeline.ask("data", "status", "--granular", "--not-in-remote", *unseen)
    return list(answer.get("not_in_remote", []))


def _lacking() -> set[str] | None:
    """The MD5 of what a list of the remote does not show; `None` where it has no list, or few files are wanted."""
    wanted = _wanted()
    if not _are_many(wanted) or None in wanted.values() or not (there := _listing()):
        return None
    return {md5 for contents in wanted.values() for md5 in contents or ()} - there


def _wanted() -> dict[Path, set[str] | None]:
    return {path: _contents(content) for path, content in tracked()}


def _are_many(wanted: dict[Path, set[str] | None]) -> bool:
    return sum(len(contents or ()) for contents in wanted.values()) > FOLDERS


def _contents(content: str) -> set[str] | None:
    """The MD5 of what is needed for a content; `None` where DVC's cache has not the whole list of a folder."""
    if not content.endswith(".dir"):
        return {content}
    try:
        return {content, *(str(entry["md5"]) for entry in dvc_cache.list_of(content))}
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


def _contents_named(missing: Collection[str]) -> set[str]:
    """The MD5 of files that the remote lacks, by their names."""
    known: dict[Path, str] = {}
    for path, content in tracked():
        known |= dvc_cache.listed(path, content) if content.endswith(".dir") else {path: content}
    return {known[Path(name)] for name in missing if Path(name) in known}


def _send(contents: Collection[str]) -> None:
    """Copy files of DVC's cache, as far as it has them, and what is on the remote meanwhile stays."""
    there = sorted(md5 for md5 in contents if dvc_cache.stored(md5).is_file())
    if not there:
        return
    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder) / "md5"
        wanted.write_text("\n".join(there), encoding="utf-8")
        pipeline.dvc("send", str(wanted))
    log("%s files sent to the DVC remote", len(there))


def tracked() -> Iterator[tuple[Path, str]]:
    """What the last stage and those before it read and wrote, as far as DVC and not git stores it, with its MD5."""
    stages: dict[str, Any] = read_yaml(LOCK)["stages"]
    makers = {out["path"]: name for name, stage in stages.items() for out in stage.get("outs", [])}
    names = [LAST_STAGE]
    for name in names:  # which grows
        outs = {Path(out["path"]): str(out["md5"]) for out in stages[name].get("outs", [])}
        yield from ((path, md5) for path, md5 in outs.items() if METRICS not in path.parents)
        read = [Path(dep["path"]) for dep in stages[name].get("deps", [])]
        homes = {home.as_posix() for path in read for home in (path, *path.parents)}  # of a manifest, its folder
        names += sorted({makers[home] for home in homes & makers.keys()} - set(names))
        if RAW in read and RAW_DVC.exists():
            yield RAW, pipeline.raw_md5()
