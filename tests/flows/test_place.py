"""Where the loop runs: in a checkout, with a Prefect home of its own there, and nowhere else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.projects import ROOT

from flows import services
from flows.login import SECRETS

COMMANDS = [
    ["retrain"],
    ["submit", "photo.dng"],
    ["remove", "attic"],
    ["watch"],
    ["watch", "incoming"],
    ["up"],
    ["up", "--print"],
    ["doctor"],
    ["down"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_outside_a_checkout_every_command_says_so_and_writes_nothing(tmp_path: Path, command: list[str]) -> None:
    empty, home = tmp_path / "empty", tmp_path / "home"
    empty.mkdir()
    home.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(home)}
    done = subprocess.run(
        [sys.executable, "-m", "flows", *command], cwd=empty, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stdout == ""
    [line] = done.stderr.splitlines()
    assert f"{empty}: expected a checkout of the project, got no dvc.yaml, params.yaml, .dvc in it" in line
    assert [*empty.iterdir(), *home.iterdir()] == []


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, {"PREFECT_HOME": ".deepfuse/prefect"}),
        ({"PREFECT_HOME": "/theirs"}, {}),
        ({"PREFECT_API_URL": "http://there/api"}, {}),
    ],
)
def test_prefect_has_a_home_in_the_checkout_unless_the_user_has_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: dict[str, str], expected: dict[str, str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("PREFECT_HOME", "PREFECT_API_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    found = services.own_home()
    assert {name: found[name] for name in found if name not in SECRETS} == {
        name: str(tmp_path / path) for name, path in expected.items()
    }
    assert bool(set(found) & set(SECRETS)) == bool(expected), "the password goes to no server of somebody else"


def test_a_run_without_a_server_leaves_the_prefect_of_the_user_alone(tmp_path: Path) -> None:
    """The sets of a checkout without brackets: the shortest run there is."""
    checkout, home = tmp_path / "checkout", tmp_path / "home"
    (checkout / ".dvc").mkdir(parents=True)
    (home / ".prefect").mkdir(parents=True)
    (home / ".prefect/prefect.db").write_text("of a newer Prefect")
    params = (ROOT / "params.yaml").read_text().replace("source: data/sample", "source: data/raw")
    (checkout / "params.yaml").write_text(params)
    (checkout / "dvc.yaml").write_text((ROOT / "dvc.yaml").read_text())
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "MLFLOW_"))}
    environment = {**kept, "PYTHONPATH": str(ROOT), "HOME": str(home)}
    command = [sys.executable, "-m", "flows", "retrain"]
    done = subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "no bracket arrived yet" in done.stdout + done.stderr
    assert (checkout / ".deepfuse/prefect/prefect.db").is_file()
    assert [path.name for path in (home / ".prefect").iterdir()] == ["prefect.db"]
