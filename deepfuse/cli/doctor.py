"""`deepfuse doctor`: whether the installation is well, and in a checkout the loop."""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, distribution, version
from importlib.util import find_spec
from typing import Any

from deepfuse import __version__
from deepfuse.bracket import printable
from deepfuse.cli.options import Commands, add_command
from deepfuse.exits import SOME_FAILED

CHECKOUT = ("dvc.yaml", "params.yaml", "flows/doctor.py")
LIMIT_S = 300
Line = tuple[str, str]


def add(commands: Commands) -> None:
    """Add the subcommand."""
    add_command(commands, "doctor", run, help="check the installation, and in a checkout servers, data and schedule")


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Check; the exit code is 1 if something is at fault."""
    lines = [_checked(check) for check in (_packages, _weights)]
    in_checkout = all(map(os.path.exists, CHECKOUT)) and find_spec("prefect") is not None
    lines += _loop() if in_checkout else [_checked(_registry)]
    findings = [{"level": level, "about": printable(about)} for level, about in lines]
    return {
        "findings": findings,
        "text": "\n".join(f"{found['level']:8}{found['about']}" for found in findings),
        "code": SOME_FAILED * any(level == "fault" for level, _ in lines),
    }


def _checked(check: Callable[[], Line]) -> Line:
    try:
        return check()
    except Exception as error:  # whatever is wrong, it is what this check found
        return "fault", f"{check.__name__.strip('_')}: {' '.join(str(error).split())}"


def _packages() -> Line:
    """Whether what the package asks for is there."""
    missing = [name for name in _required() if not _is_installed(name)]
    said = f"deepfuse {__version__}, Python {sys.version.split()[0]}, torch {version('torch')}"
    return ("fault", f"packages: no {', '.join(missing)}: `pip install deepfuse`") if missing else ("ok", said)


def _required() -> list[str]:
    """The names of the packages that every installation has."""
    wanted = distribution("deepfuse").requires or []
    return [re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in wanted if ";" not in line]


def _is_installed(name: str) -> bool:
    try:
        return bool(version(name))
    except PackageNotFoundError:
        return False


def _weights() -> Line:
    """Whether the shipped weights load."""
    from deepfuse.registry import load_model

    load_model()
    return "ok", "weights: the shipped ones load"


def _registry() -> Line:
    """Whether the registry that the environment names answers."""
    where = os.environ.get("MLFLOW_TRACKING_URI")
    if find_spec("mlflow") is None or not where:
        return "ok", "registry: none is named (MLFLOW_TRACKING_URI); pictures need none"
    from deepfuse.registry import champion_version

    champion = champion_version()
    return "ok", f"registry: {where} answers; {f'version {champion}' if champion else 'no version'} is champion"


def _loop() -> list[Line]:
    """What the loop's own doctor says; the package does not import it."""
    command = [sys.executable, "-m", "flows", "doctor"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    except subprocess.TimeoutExpired:
        return [("fault", f"loop: no answer within {LIMIT_S} s from `python -m flows doctor`")]
    lines = [(level, about) for level, _, about in (line.partition(" ") for line in done.stdout.splitlines())]
    found = [(level, about.strip()) for level, about in lines]
    return found or [("fault", f"loop: {' '.join(done.stderr.split())[-300:]}")]
