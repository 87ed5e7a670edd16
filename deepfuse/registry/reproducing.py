"""The pipeline as a version left it, in a folder of its own: commit, model and data, checked by their hashes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deepfuse.bracket import printable
from deepfuse.errors import ModelError
from deepfuse.files import new_folder
from deepfuse.registry.aliases import existing_tags
from deepfuse.registry.connection import COMMIT_TAG, KEY_TAG
from deepfuse.registry.dvc_contents import content_md5

LOCK, MODEL, RAW = Path("dvc.lock"), "data/model", "data/raw"
LAST_STAGE = "evaluate"
SERVERS = ("MLFLOW_", "PREFECT_")  # whose passwords no stage of an older commit gets


@dataclass(frozen=True)
class Reproduced:
    """What came back of a version: the content of its outputs by path, and the paths of which nobody has the content.

    `trained` is the content of the model after it was trained anew, if it was.
    """

    version: str
    commit: str
    folder: Path
    contents: Mapping[str, str]
    missing: tuple[str, ...]
    trained: str | None = None


def reproduce(version: str, folder: Path, *, train: bool = False) -> Reproduced:
    """Make a folder with the commit of a version, and with its model and its data as DVC's cache and remote have them.

    It is a clone with the cache and the remotes of the checkout in the working directory, of which nothing else is
    touched. The hashes are computed from the files.

    Args:
        version: its number.
        folder: the new folder.
        train: also run the whole pipeline there, anew, and compare the model that it makes.

    Raises:
        ModelError: there is no such version, its commit or its content is lost, or the content is another one.
        FileExistsError: the folder is there.
    """
    if os.path.lexists(folder):
        raise FileExistsError(f"{printable(str(folder))}: expected a new folder, got one that is there")
    tags = existing_tags(version)
    key, commit = tags.get(KEY_TAG, ""), tags.get(COMMIT_TAG, "")
    if not re.fullmatch("[0-9a-f]{40,64}", commit):  # git would take another word for an option
        got = repr(commit) if commit else "none: it was not made by the loop in a git repository"
        raise ModelError(f"version {version}: expected a commit in its tag {COMMIT_TAG}, got {got}")
    with new_folder(folder) as place:
        _clone(version, commit, place)
        expected = _recorded(place)
        if expected.get(MODEL) != key:
            raise ModelError(f"version {version}: expected the model {key} in its commit, got {expected.get(MODEL)}")
        _share_dvc(place)
        _run(place, "dvc", "pull", "--allow-missing")
        missing = _compared(version, expected, place)
    trained = _train(version, key, folder) if train else None
    return Reproduced(version, commit, folder, expected, missing, trained)


def _clone(version: str, commit: str, place: Path) -> None:
    """The commit, also one that is on no branch any more, with nothing but its history."""
    here = Path.cwd()
    if not _git_has(commit):
        raise ModelError(f"version {version}: expected its commit {commit} in {here}, got none: git fetch it first")
    _run(place, "git", "init", "--quiet")
    _run(place, "git", "remote", "add", "origin", str(here))
    _run(place, "git", "fetch", "--quiet", "origin", commit)
    _run(place, "git", "checkout", "--quiet", "--detach", commit)


def _git_has(commit: str) -> bool:
    command = ["git", "cat-file", "-e", f"{commit}^{{commit}}"]
    return not subprocess.run(command, capture_output=True, check=False).returncode


def _recorded(place: Path) -> dict[str, str]:
    """The MD5 of every output that a commit records, by path."""
    from deepfuse.params import read_yaml  # belongs to the loop, and fusing needs it not

    stages = read_yaml(place / LOCK)["stages"].values() if (place / LOCK).exists() else ()
    outs = [out for stage in stages for out in stage.get("outs", ())]
    raw = place / f"{RAW}.dvc"
    if raw.exists():
        outs += [{**out, "path": RAW} for out in read_yaml(raw)["outs"]]
    return {str(out["path"]): str(out["md5"]) for out in outs}


def _share_dvc(place: Path) -> None:
    """Give the clone the cache of this checkout and its remotes, those that are not in git too."""
    settings = dict(line.partition("=")[::2] for line in _run(Path.cwd(), "dvc", "config", "--list").splitlines())
    shared = {"cache.dir": settings.get("cache.dir", str(Path.cwd() / ".dvc/cache"))}
    shared |= {name: value for name, value in settings.items() if name.startswith("remote.") or name == "core.remote"}
    sections: dict[str, list[str]] = {}
    for name, value in shared.items():
        section, _, option = name.rpartition(".")
        kind, _, remote = section.partition(".")
        title = f"['{kind} \"{remote}\"']" if remote else f"[{kind}]"
        sections.setdefault(title, []).append(f"{option} = {_quoted(value)}")
    text = "".join(f"{title}\n" + "".join(f"    {line}\n" for line in lines) for title, lines in sections.items())
    local = place / ".dvc/config.local"
    local.touch(0o600)  # a remote's password may stand there
    local.write_text(text, encoding="utf-8")


def _quoted(value: str) -> str:
    """A value as DVC's configuration has it: there are quotes, but nothing escapes one."""
    mark = next(mark for mark in ('"', "'", '"""') if mark not in value)
    return f"{mark}{value}{mark}"


def _compared(version: str, expected: Mapping[str, str], place: Path) -> tuple[str, ...]:
    """The outputs that are not there; the model and the data as shot must be, and what is there must be as recorded."""
    missing = tuple(path for path in expected if not (place / path).exists())
    if lost := [path for path in (MODEL, RAW) if path in missing]:
        who = "neither DVC's cache here nor a remote has it"
        raise ModelError(f"version {version}: expected {' and '.join(lost)} to come back, got nothing: {who}")
    for path in expected.keys() - set(missing):
        if (got := content_md5(place / path)) != expected[path]:
            raise ModelError(f"version {version}: {path}: expected the content {expected[path]}, got {got}")
    return missing


def _train(version: str, key: str, folder: Path) -> str:
    """Run the whole pipeline anew; nothing of what it makes goes into the cache that is shared."""
    _run(folder, "dvc", "repro", "--force", "--no-commit", LAST_STAGE, show=True)
    got = content_md5(folder / MODEL)
    if got != key:
        why = f"{printable(str(folder))}/{MODEL}/provenance.json says what made it; `git diff` there what differs"
        raise ModelError(f"version {version}: trained anew: expected the model {key}, got {got}: {why}")
    return got


def _run(place: Path, command: str, *arguments: str, show: bool = False) -> str:
    """What a command prints, or nothing where it is shown on standard error.

    Raises:
        ModelError: it fails.
    """
    scripts = Path(sys.executable).parent
    harmless = {name: value for name, value in os.environ.items() if not name.startswith(SERVERS)}
    environment = {**harmless, "PATH": f"{scripts}{os.pathsep}{os.environ.get('PATH', '')}"}
    program = str(scripts / command) if command == "dvc" else command
    streams: dict[str, Any] = {"stdout": sys.__stderr__} if show else {"capture_output": True}
    done = subprocess.run(
        [program, *arguments], cwd=place, env=environment, text=True, errors="replace", check=False, **streams
    )
    if done.returncode:
        said = " | ".join((done.stderr or done.stdout or "").strip().splitlines()[-3:])
        raise ModelError(f"{command} {arguments[0]}: expected exit code 0, got {done.returncode}: {said}")
    return done.stdout or ""
