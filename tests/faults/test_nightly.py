"""The night's run, which no event announces: a real server's schedule asks for it, and a real worker does it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cases import free_port
from prefect import get_client
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings
from support.projects import ROOT, set_params

from flows import services

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1200)]

NIGHTLY, EVERY_MINUTE = '"0 3 * * *"', '"* * * * *"'
WAIT_S = 600


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A checkout without brackets, for the shortest run there is, whose nights last a minute."""
    folder = tmp_path / "checkout"
    (folder / ".dvc").mkdir(parents=True)
    for name in ("dvc.yaml", "params.yaml"):
        shutil.copy(ROOT / name, folder)
    for name in ("deepfuse", "flows"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    set_params(folder, {"ingest": {"source": "data/raw"}})
    deployments = folder / "flows/prefect.yaml"
    text = deployments.read_text()
    assert NIGHTLY in text
    deployments.write_text(text.replace(NIGHTLY, EVERY_MINUTE))
    for name in [name for name in os.environ if name.startswith(("PREFECT_", "MLFLOW_", "PYTHON"))]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(folder)
    yield folder
    services.down()


def flows(*arguments: str) -> str:
    done = subprocess.run([sys.executable, "-m", "flows", *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.usefixtures("checkout")
def test_the_schedule_fires() -> None:
    flows("up", "--prefect-port", str(free_port()), "--mlflow-port", str(free_port()))
    given = dict(re.findall(r"export (\w+)=(\S+)", flows("env")))
    ours = {each: given[each.name] for each in (PREFECT_API_URL, PREFECT_API_AUTH_STRING)}
    deadline = time.monotonic() + WAIT_S
    with temporary_settings(ours), get_client(sync_client=True) as client:
        while not (done := ended(client)):
            assert time.monotonic() < deadline, Path(".deepfuse/services/worker.log").read_text()
            time.sleep(2)
    assert all(run.auto_scheduled for run in done)
    assert {(run.state.name, run.state.message) for run in done} == {("Completed", "no bracket arrived yet")}


def ended(client: Any) -> list[Any]:
    return [run for run in client.read_flow_runs() if run.state.is_final()]
