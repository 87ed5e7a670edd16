"""Prefect server, MLflow server and worker on this machine: started in the background, found again, stopped."""

from __future__ import annotations

import os
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit, urlunsplit

from deepfuse.serving.guard import NAMES
from flows import login
from flows.background import STATE, ServiceError, become, ensure, find, require_closed, stop, wait
from flows.identity import identity

HOME = Path(".deepfuse/prefect")
HEARTBEAT_S = 30  # of a run: the least that Prefect allows
ANSWER_S = 30  # of a server elsewhere
SERVICES = ("prefect", "mlflow", "worker")
_ADDRESS = {"prefect": "PREFECT_API_URL", "mlflow": "MLFLOW_TRACKING_URI"}
_OPEN = {"prefect": "/api/health", "mlflow": "/health"}
_CLOSED = {"prefect": "/api/admin/version", "mlflow": "/version"}
_QUIET = {"DO_NOT_TRACK": "1", "PREFECT_SERVER_ANALYTICS_ENABLED": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}


def start_servers(*, prefect_port: int, mlflow_port: int) -> dict[str, str]:
    """Start the servers that do not run yet, and wait until they answer those alone who know the password.

    A Prefect server named by `PREFECT_API_URL` and an MLflow named by `MLFLOW_TRACKING_URI` are used, not started.

    Returns:
        The environment of their clients: `PREFECT_API_URL`, `MLFLOW_TRACKING_URI`, and the logins of what is started.

    Raises:
        ServiceError: a port is taken, or a service does not start, its log is named; or it lets everybody in.
    """
    started = {}
    for name, port in {"prefect": prefect_port, "mlflow": mlflow_port}.items():
        if not is_elsewhere(name):
            started[name] = ensure(name, ["flows.servers", name], port, _server_settings(name, port))
    for name in started:
        require_answer(name)
    return {name: os.environ[name] for name in _ADDRESS.values() if os.environ.get(name)} | access()


def require_answer(name: str) -> None:
    """Wait until a server of this folder answers, those alone who know the password; one elsewhere must answer now.

    Raises:
        ServiceError: it does not, or lets everybody in.
    """
    if is_elsewhere(name):
        _require_elsewhere(name)
        return
    service = find(name)
    if service is None:
        raise ServiceError(
            f"{name}: expected its server to run, got none: `python -m flows up`, or set {_ADDRESS[name]} to one "
            "elsewhere"
        )
    wait(name, f"{service.url}{_OPEN[name]}")
    require_closed(name, f"{service.url}{_CLOSED[name]}")


def _require_elsewhere(name: str) -> None:
    """Whatever the server answers, and whoever vouches for it, it is there. A database as MLflow is not asked.

    Raises:
        ServiceError: it is not.
    """
    parts = urlsplit(os.environ[_ADDRESS[name]])
    if parts.scheme not in ("http", "https"):
        return
    address = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", ""))
    try:
        urllib.request.urlopen(f"{address}/health", timeout=ANSWER_S).close()
    except urllib.error.HTTPError:
        return
    except OSError as error:
        if not isinstance(getattr(error, "reason", error), ssl.SSLError):
            raise ServiceError(f"{name}: expected an answer from {_ADDRESS[name]}={address}, got {error}") from error


def client_environment(clients: Mapping[str, str]) -> dict[str, str]:
    """What a process needs that talks to the servers, whose clients have this environment."""
    return {**_QUIET, **own_home(), **clients}


def start_worker() -> None:
    """Start the worker of this checkout's pool, if it does not run; the environment is that of its clients."""
    ensure("worker", _worker(), None, _worker_settings())


def become_worker() -> NoReturn:
    """Be the worker, in the foreground."""
    become("worker", _worker(), None, _worker_settings())


def become_server(name: str, port: int) -> NoReturn:
    """Be a server of this folder, in the foreground."""
    become(name, ["flows.servers", name], port, _server_settings(name, port))


def is_elsewhere(name: str) -> bool:
    """Whether the environment names a server of this kind, which is not this folder's to start."""
    return bool(os.environ.get(_ADDRESS[name]))


def down() -> list[str]:
    """Stop the services of this folder, the worker first; their names."""
    stopped = []
    for name in SERVICES[::-1]:
        service = find(name)
        if service is not None:
            stop(service)
            stopped.append(name)
        (STATE / f"{name}.json").unlink(missing_ok=True)
    return stopped


def running(name: str) -> bool:
    """Whether this service of `up` runs."""
    return find(name) is not None


def was_started(name: str) -> bool:
    """Whether this service of the folder was started once and not stopped."""
    return (STATE / f"{name}.json").exists()


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


def _worker() -> list[str]:
    return ["prefect", "worker", "start", "--pool", identity().name, "--limit", "1"]


def _worker_settings() -> dict[str, str]:
    return {**identity().environment, "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": str(HEARTBEAT_S)}


def _server_settings(name: str, port: int) -> dict[str, str]:
    if name == "mlflow":
        return {**_QUIET, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    return {
        **_QUIET,
        **own_home(),
        **login.for_server(),
        # Its page asks its server under one of the names, and may have been loaded under the other.
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": ",".join(f"http://{name}:{port}" for name in NAMES),
        "PREFECT_SERVER_API_PORT": str(port),
        # Leases on disk: kept in memory, one that a restart forgets would block its slot for good.
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
        "PREFECT_SERVER_DEPLOYMENTS_CONCURRENCY_SLOT_WAIT_SECONDS": "10",
    }
