"""DVC as the loop runs it: a program that is `dvc`, with two more commands: `send FILE` and `renew STAGE`.

Python looks for cycles of garbage seldom in it: among ten thousand brackets that was a seventh of the time, in vain.
"""

from __future__ import annotations

import sys
from pathlib import Path

from dvc.cli import main as run_command
from dvc.repo import Repo
from dvc.stage.cache import StageCache

from deepfuse.heap import look_for_cycles_seldom

SEND, RENEW = "send", "renew"


def main(arguments: list[str]) -> int:
    """Run a command; its exit code."""
    look_for_cycles_seldom()
    if arguments[0] == RENEW:
        return renew(arguments[1])
    if arguments[0] != SEND:
        return int(run_command(arguments))
    try:
        send(Path(arguments[1]).read_text(encoding="utf-8").split())
    except Exception as error:  # of any store's library
        print(f"ERROR: {type(error).__name__}: {error}", file=sys.stderr)
        return 1
    return 0


def renew(stage: str) -> int:
    """Run a stage, whatever DVC knows of it; the exit code of `dvc repro`.

    No run of it is kept for another time that its inputs are these: DVC would walk through all of them twice more, and
    a stage that is renewed has results of its own to go by.
    """
    StageCache.save = lambda self, stage: None
    return int(run_command(["repro", "--single-item", "--force", stage]))


def send(contents: list[str]) -> None:
    """Copy what the cache has under these MD5 to the default remote.

    `dvc push` walks through every file of each folder that changed, 70,000 for one bracket among ten thousand; DVC has
    no command that sends what is known to be missing. Lists go last: a folder whose list is there counts as complete.
    """
    with Repo() as repo:
        cache, remote = repo.cache.local, repo.cloud.get_remote_odb(command="push")
        for lists in (False, True):
            part = [md5 for md5 in contents if md5.endswith(".dir") == lists]
            remote.add([cache.oid_to_path(md5) for md5 in part], cache.fs, part)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
