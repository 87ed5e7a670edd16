"""Prefect server, MLflow server and worker on this machine: started in the background, found again, stopped."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from flows import login
from flows.background import STATE, ServiceError, ensure, find, require_closed, stop, wait
from flows.guard import NAMES

POOL = "deepfuse"
DEPLOYMENTS = Path(__file__).with_name("prefect.yaml")
HOME = Path(".deepfuse/prefect")
_ADDRESS = {"prefect": "PREFECT_API_URL", "mlflow": "MLFLOW_TRACKING_URI"}
_OPEN = {"prefect": "/api/health", "mlflow": "/health"}
_CLOSED = {"prefect": "/api/admin/version", "mlflow": "/version"}
_QUIET = {"DO_NOT_TRACK": "1", "PREFECT_SERVER_ANALYTICS_ENABLED": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}


def up(*, prefect_port: int, mlflow_port: int) -> dict[str, str]:
    """Start what does not run yet, and wait until it answers those alone who know the password.

    A Prefect server named by `PREFECT_API_URL` and an MLflow named by `MLFLOW_TRACKING_URI` are used, not started.

    Returns:
        The environment of their clients: `PREFECT_API_URL`, `MLFLOW_TRACKING_URI`, and the logins of what is started.

    Raises:
        ServiceError: a port is taken, or a service does not start, its log is named; or it lets everybody in.
    """
    ours, started = {**_QUIET, **own_home()}, {}
    if not os.environ.get(_ADDRESS["prefect"]):
        server = ["flows.servers", "prefect"]
        started["prefect"] = ensure("prefect", server, prefect_port, {**ours, **_server_settings(prefect_port)})
    if not os.environ.get(_ADDRESS["mlflow"]):
        server = ["flows.servers", "mlflow"]
        settings = {**_QUIET, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        started["mlflow"] = ensure("mlflow", server, mlflow_port, settings)
    for name, service in started.items():
        wait(name, f"{service.url}{_OPEN[name]}")
        require_closed(name, f"{service.url}{_CLOSED[name]}")
    clients = {name: os.environ[name] for name in _ADDRESS.values() if os.environ.get(name)} | access()
    environment = {**ours, **clients, "DEEPFUSE_ROOT": str(Path.cwd())}
    _prefect(["work-pool", "create", POOL, "--type", "process", "--overwrite"], environment)
    _prefect(["--no-prompt", "deploy", "--all", "--prefect-file", str(DEPLOYMENTS)], environment)
    ensure("worker", ["prefect", "worker", "start", "--pool", POOL, "--limit", "1"], None, environment)
    return clients


def down() -> list[str]:
    """Stop the services that `up` started, the worker first; their names."""
    stopped = []
    for name in ("worker", "mlflow", "prefect"):
        service = find(name)
        if service is not None:
            stop(service)
            stopped.append(name)
        (STATE / f"{name}.json").unlink(missing_ok=True)
    return stopped


def running(name: str) -> bool:
    """Whether this service of `up` runs."""
    return find(name) is not None


def access() -> dict[str, str]:
    """The environment that leads into the services of this folder, as far as they run and no others are named.

    A server elsewhere never gets the password of this folder's.
    """
    found: dict[str, str] = {}
    prefect, mlflow = find("prefect"), find("mlflow")
    if prefect and not os.environ.get(_ADDRESS["prefect"]):
        found |= {_ADDRESS["prefect"]: f"{prefect.url}/api", **login.for_prefect()}
    if mlflow and not os.environ.get(_ADDRESS["mlflow"]):
        found |= {_ADDRESS["mlflow"]: mlflow.url, **login.for_mlflow()}
    return found


def own_home() -> dict[str, str]:
    """The environment that gives Prefect a home in this folder, unless the user has one, or a server elsewhere.

    `~/.prefect` is for every Prefect of the user: an older one dies on the database that a newer one migrated. A run
    without a server starts one for itself, which asks for the password too.
    """
    if any(os.environ.get(name) for name in ("PREFECT_HOME", "PREFECT_API_URL")):
        return {}
    HOME.mkdir(parents=True, exist_ok=True)
    return {"PREFECT_HOME": str(HOME.absolute()), **login.for_server(), **login.for_prefect()}


def _server_settings(port: int) -> dict[str, str]:
    return {
        **login.for_server(),
        # Its page asks its server under one of the names, and may have been loaded under the other.
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": ",".join(f"http://{name}:{port}" for name in NAMES),
        "PREFECT_SERVER_API_PORT": str(port),
        # Leases on disk: kept in memory, one that a restart forgets would block its slot for good.
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
        "PREFECT_SERVER_DEPLOYMENTS_CONCURRENCY_SLOT_WAIT_SECONDS": "10",
    }


def _prefect(arguments: list[str], environment: Mapping[str, str]) -> None:
    command = [sys.executable, "-m", "prefect", *arguments]
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ServiceError(
            f"prefect {' '.join(arguments)}: expected exit code 0, got {done.returncode}:\n{done.stderr}{done.stdout}"
        )
