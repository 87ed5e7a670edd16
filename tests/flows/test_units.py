"""The services under systemd: units that it accepts, of paths as odd as they come, whose command is the service."""

from __future__ import annotations

import configparser
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.projects import ROOT

from deepfuse.errors import DeepfuseError
from flows import background, services, units
from flows.identity import NAME, identity

PORTS = {"prefect": 4201, "mlflow": 5001}


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in (*units.SETTINGS, "XDG_CONFIG_HOME"):
        if name != "PATH":
            monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    folder = tmp_path / 'my "deep" 50% $fuse'
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def read(text: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment]
    parser.read_string(text)
    return parser


def test_they_name_the_checkout_and_start_its_services_again(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_HOME", str(checkout / services.HOME))  # as every command sets it for itself
    files = units.units(PORTS)
    name = identity().name
    assert "PREFECT_HOME" not in "".join(files.values())
    assert list(files) == [f"{name}-{service}.service" for service in ("prefect", "mlflow", "worker")]
    server, worker = read(files[f"{name}-prefect.service"]), read(files[f"{name}-worker.service"])
    assert shlex.split(server["Service"]["ExecStart"]) == [
        sys.executable, "-m", "flows", "serve", "prefect", "--port", "4201",
    ]  # fmt: skip
    for unit in (server, worker):
        assert unit["Service"]["WorkingDirectory"].replace("%%", "%") == str(checkout)
        assert unit["Service"]["Restart"] == "on-failure"
        assert unit["Install"]["WantedBy"] == "default.target"
    assert worker["Unit"]["After"] == f"{name}-prefect.service {name}-mlflow.service"


def test_they_carry_settings_but_no_secret_and_no_server_that_runs_elsewhere(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "https://there/api")
    monkeypatch.setenv("PREFECT_API_KEY", "secret")
    monkeypatch.setenv("DEEPFUSE_ALARM", "https://secret")
    monkeypatch.setenv(NAME, "studio")
    files = units.units(PORTS)
    assert list(files) == ["studio-mlflow.service", "studio-worker.service"]
    assert 'Environment="PREFECT_API_URL=https://there/api"' in files["studio-worker.service"]
    assert not any("secret" in text for text in files.values())
    monkeypatch.setenv("PREFECT_HOME", "a\nExecStart=evil")
    with pytest.raises(DeepfuseError, match="expected one line"):
        units.units(PORTS)


def test_they_are_installed_for_the_user(checkout: Path, tmp_path: Path) -> None:
    files = units.units(PORTS)
    written = units.install(files)
    assert {path.parent for path in written} == {tmp_path / "home/.config/systemd/user"}
    assert [path.read_text() for path in written] == list(files.values())
    assert f"enable --now {identity().name}-prefect.service" in units.how_to_start(files)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not here")
def test_systemd_accepts_them(checkout: Path) -> None:
    written = units.install(units.units(PORTS))
    command = ["systemd-analyze", "--user", "verify", *map(str, written)]
    runtime = {"XDG_RUNTIME_DIR": str(checkout)}
    done = subprocess.run(command, env={**os.environ, **runtime}, capture_output=True, text=True)
    complaints = [line for line in done.stderr.splitlines() if identity().name in line]
    assert complaints == []


def test_a_service_in_the_foreground_is_found_and_stopped_as_one_of_up(checkout: Path) -> None:
    """MLflow's, which starts faster than Prefect's."""
    for name in ("dvc.yaml", "params.yaml", ".dvc"):
        (checkout / name).touch()
    port = background_port()
    command = [sys.executable, "-m", "flows", "serve", "mlflow", "--port", str(port)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, env=environment, start_new_session=True) as process:
        try:
            deadline = time.monotonic() + 120
            while (service := background.find("mlflow")) is None:
                assert time.monotonic() < deadline
                time.sleep(0.1)
            assert (service.pid, service.url) == (process.pid, f"http://127.0.0.1:{port}")
            again = subprocess.run(command, env=environment, capture_output=True, text=True)
            assert f"expected none to run, got process {process.pid}" in again.stderr
            background.stop(service)
            assert process.wait(60) in (-signal.SIGTERM, 0)
        finally:
            process.kill()


def background_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind((background.HOST, 0))
        return int(probe.getsockname()[1])
