"""Prefect server, MLflow server and worker on this machine: started in the background, found again, stopped."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from deepfuse.atomic import write_json

STATE = Path(".deepfuse/services")
POOL = "deepfuse"
HOST = "127.0.0.1"
START_S = 180
STOP_S = 60
DEPLOYMENTS = Path(__file__).with_name("prefect.yaml")
_QUIET = {"DO_NOT_TRACK": "1", "PREFECT_SERVER_ANALYTICS_ENABLED": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}


class ServiceError(Exception):
    """A service does not start, or its port is taken."""


@dataclass(frozen=True)
class Service:
    """A background process: its group, when it started in ticks since boot, and where it answers."""

    pid: int
    started: str
    url: str

    def alive(self) -> bool:
        """Whether it still runs, and is not another process of the same number."""
        return _started(self.pid) == self.started


def up(*, prefect_port: int, mlflow_port: int) -> dict[str, str]:
    """Start what does not run yet, and wait until it answers.

    A Prefect server named by `PREFECT_API_URL` and an MLflow named by `MLFLOW_TRACKING_URI` are used, not started.

    Returns:
        `PREFECT_API_URL` and `MLFLOW_TRACKING_URI`.

    Raises:
        ServiceError: a port is taken, or a service does not start; its log is named.
    """
    ours = dict(_QUIET)
    given = {name: os.environ[name] for name in ("PREFECT_API_URL", "MLFLOW_TRACKING_URI") if os.environ.get(name)}
    if "PREFECT_API_URL" not in given:
        server = _ensure("prefect", ["prefect", "server", "start", "--host", HOST], prefect_port, _prefect_settings())
        ours["PREFECT_API_URL"] = f"{server.url}/api"
    if "MLFLOW_TRACKING_URI" not in given:
        store = ["--backend-store-uri", f"sqlite:///{Path('mlflow.db').absolute()}", "--no-serve-artifacts"]
        place = ["--default-artifact-root", str(Path("mlruns").absolute())]
        command = ["mlflow", "server", "--workers", "1", "--host", HOST, *store, *place]
        mlflow = _ensure("mlflow", command, mlflow_port, {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"})
        ours["MLFLOW_TRACKING_URI"] = mlflow.url
    environment = {**ours, **given, "DEEPFUSE_ROOT": str(Path.cwd())}
    if "PREFECT_API_URL" not in given:
        _wait("prefect", f"{environment['PREFECT_API_URL']}/health")
    if "MLFLOW_TRACKING_URI" not in given:
        _wait("mlflow", f"{environment['MLFLOW_TRACKING_URI']}/health")
    _prefect(["work-pool", "create", POOL, "--type", "process", "--overwrite"], environment)
    _prefect(["--no-prompt", "deploy", "--all", "--prefect-file", str(DEPLOYMENTS)], environment)
    _ensure("worker", ["prefect", "worker", "start", "--pool", POOL, "--limit", "1"], None, environment)
    return {name: environment[name] for name in ("PREFECT_API_URL", "MLFLOW_TRACKING_URI")}


def down() -> list[str]:
    """Stop the services that `up` started, the worker first; their names."""
    stopped = []
    for name in ("worker", "mlflow", "prefect"):
        service = _find(name)
        if service is not None:
            _stop(service)
            stopped.append(name)
        (STATE / f"{name}.json").unlink(missing_ok=True)
    return stopped


def running(name: str) -> bool:
    """Whether this service of `up` runs."""
    return _find(name) is not None


def urls() -> dict[str, str]:
    """The environment that leads to the services of this folder, as far as they run."""
    prefect, mlflow = _find("prefect"), _find("mlflow")
    found = {"PREFECT_API_URL": f"{prefect.url}/api" if prefect else "", "MLFLOW_TRACKING_URI": mlflow and mlflow.url}
    return {name: url for name, url in found.items() if url}


def _prefect_settings() -> dict[str, str]:
    home = (STATE / "prefect").absolute()
    return {
        "PREFECT_HOME": str(home),
        "PREFECT_API_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{home}/prefect.db",
        # Leases on disk: kept in memory, one that a restart forgets would block its slot for good.
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
        "PREFECT_SERVER_DEPLOYMENTS_CONCURRENCY_SLOT_WAIT_SECONDS": "10",
    }


def _ensure(name: str, command: list[str], port: int | None, environment: Mapping[str, str]) -> Service:
    """The running service of this name, started if there is none."""
    service = _find(name)
    if service is not None:
        return service
    if port is not None:
        _require_free(name, port)
        command = [*command, "--port", str(port)]
    STATE.mkdir(parents=True, exist_ok=True)
    (STATE / "prefect").mkdir(exist_ok=True)
    with (STATE / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            env={**os.environ, **_QUIET, **environment},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    service = Service(process.pid, _started(process.pid), f"http://{HOST}:{port}" if port else "")
    write_json(STATE / f"{name}.json", asdict(service))
    return service


def _find(name: str) -> Service | None:
    try:
        service = Service(**json.loads((STATE / f"{name}.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return service if service.alive() else None


def _wait(name: str, url: str) -> None:
    deadline = time.monotonic() + START_S
    log = STATE / f"{name}.log"
    while time.monotonic() < deadline:
        if _find(name) is None:
            raise ServiceError(f"{name}: expected it to start, got its end: see {log}")
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.3)
    raise ServiceError(f"{name}: expected an answer from {url} within {START_S} s, got none: see {log}")


def _prefect(arguments: list[str], environment: Mapping[str, str]) -> None:
    command = [sys.executable, "-m", "prefect", *arguments]
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ServiceError(
            f"prefect {' '.join(arguments)}: expected exit code 0, got {done.returncode}:\n{done.stderr}{done.stdout}"
        )


def _stop(service: Service) -> None:
    """End a service and its children: asked first, killed after a minute."""
    os.killpg(service.pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_S
    while service.alive() and time.monotonic() < deadline:
        time.sleep(0.1)
    if service.alive():
        os.killpg(service.pid, signal.SIGKILL)


def _require_free(name: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            raise ServiceError(
                f"{name}: expected port {port} to be free, got one in use: choose another with --{name}-port"
            ) from None


def _started(pid: int) -> str:
    """When a process started, in ticks since boot; empty if there is none or it is a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] == "Z" else fields[19]
