"""`deepfuse worker`: the loop's worker where the package is and no checkout: it clones, pulls and works."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from deepfuse.bracket import printable
from deepfuse.cli.options import Commands, add_command
from deepfuse.errors import DeepfuseError, NotInstalledError
from deepfuse.files import new_folder

HELP = "be the loop's worker on this machine: clone the project, pull its brackets, take runs from a Prefect server"
HELP_FROM = "address of the git repository"
HELP_FOLDER = "of the clone, for this worker alone; an earlier clone is gone on with"
HELP_BRANCH = "branch, such as retrain/2026-11-26, whose commit has the brackets (default: the repository's own)"
HELP_REMOTE = "of the DVC remote that has the brackets (default: the one that the repository names)"
SERVERS = ("PREFECT_API_URL", "MLFLOW_TRACKING_URI")
CHECKOUT = ("dvc.yaml", "params.yaml", ".dvc", "flows")


def add(commands: Commands) -> None:
    """Add the subcommand."""
    command = add_command(commands, "worker", run, help=HELP)
    command.add_argument("folder", type=Path, metavar="FOLDER", help=HELP_FOLDER)
    command.add_argument("--from", dest="source", required=True, metavar="ADDRESS", help=HELP_FROM)
    command.add_argument("--branch", help=HELP_BRANCH)
    command.add_argument("--remote", metavar="ADDRESS", help=HELP_REMOTE)


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Clone if there is no clone yet, and become the worker in it, which pulls."""
    _require_loop()
    folder = options.folder
    if folder.exists() and any(folder.iterdir()):
        _require_clone(options.source, folder)
    else:
        _clone(options.source, options.branch, folder)
    os.chdir(folder)
    remote = ["--remote", options.remote] if options.remote else []
    os.execv(sys.executable, [sys.executable, "-m", "flows", "serve", "worker", "--pull", *remote])


def _require_loop() -> None:
    """Say at once all that this machine lacks.

    Raises:
        NotInstalledError: the loop's packages are not here.
        DeepfuseError: git is not, or the environment names no servers.
    """
    if any(find_spec(name) is None for name in ("prefect", "dvc")):
        raise NotInstalledError("a worker needs the loop's packages: pip install 'deepfuse[loop]'")
    wants = [f"{name}, the address of a server" for name in SERVERS if not os.environ.get(name)]
    wants += [] if shutil.which("git") else ["the command git"]
    if wants:
        raise DeepfuseError(f"a worker needs {', and '.join(wants)}: got none")


def _clone(source: str, branch: str | None, folder: Path) -> None:
    """A whole clone or none.

    Raises:
        DeepfuseError: the repository cannot be had, or is another project.
    """
    if folder.exists():
        folder.rmdir()  # an empty one, which a mount point may not be: git refuses none
    with new_folder(folder) as place:
        _git("clone", *(["--branch", branch] if branch else []), "--", source, str(place))
        _require_project(place, printable(source))


def _require_clone(source: str, folder: Path) -> None:
    got = _git("-C", str(folder), "config", "--get", "remote.origin.url") if (folder / ".git").exists() else "no clone"
    if got != source:
        name = printable(str(folder))
        raise DeepfuseError(f"{name}: expected no folder, or a clone of {printable(source)}, got {printable(got)}")
    _require_project(folder, printable(str(folder)))


def _require_project(place: Path, name: str) -> None:
    if missing := [part for part in CHECKOUT if not (place / part).exists()]:
        raise DeepfuseError(f"{name}: expected the project with its loop, got no {', '.join(missing)} in it")


def _git(*arguments: str) -> str:
    """What git prints; it asks nobody for a password.

    Raises:
        DeepfuseError: it fails.
    """
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}
    done = subprocess.run(["git", *arguments], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        said = printable(" | ".join(done.stderr.strip().splitlines()[-3:]))
        raise DeepfuseError(f"git {arguments[0]}: expected exit code 0, got {done.returncode}: {said}")
    return done.stdout.strip()
