"""Prefect server, MLflow server and worker on this machine: started in the background, found again, stopped."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from flows.background import HOST, STATE, ServiceError, ensure, find, stop, wait

POOL = "deepfuse"
DEPLOYMENTS = Path(__file__).with_name("prefect.yaml")
HOME = Path(".deepfuse/prefect")
_QUIET = {"DO_NOT_TRACK": "1", "PREFECT_SERVER_ANALYTICS_ENABLED": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}


def up(*, prefect_port: int, mlflow_port: int) -> dict[str, str]:
    """Start what does not run yet, and wait until it answers.

    A Prefect server named by `PREFECT_API_URL` and an MLflow named by `MLFLOW_TRACKING_URI` are used, not started.

    Returns:
        `PREFECT_API_URL` and `MLFLOW_TRACKING_URI`.

    Raises:
        ServiceError: a port is taken, or a service does not start; its log is named.
    """
    ours = {**_QUIET, **own_home()}
    given = {name: os.environ[name] for name in ("PREFECT_API_URL", "MLFLOW_TRACKING_URI") if os.environ.get(name)}
    if "PREFECT_API_URL" not in given:
        server = ensure(
            "prefect", ["prefect", "server", "start", "--host", HOST], prefect_port, {**ours, **_server_settings()}
        )
        ours["PREFECT_API_URL"] = f"{server.url}/api"
    if "MLFLOW_TRACKING_URI" not in given:
        store = ["--backend-store-uri", f"sqlite:///{Path('mlflow.db').absolute()}", "--no-serve-artifacts"]
        place = ["--default-artifact-root", str(Path("mlruns").absolute())]
        command = ["mlflow", "server", "--workers", "1", "--host", HOST, *store, *place]
        mlflow = ensure("mlflow", command, mlflow_port, {**_QUIET, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"})
        ours["MLFLOW_TRACKING_URI"] = mlflow.url
    environment = {**ours, **given, "DEEPFUSE_ROOT": str(Path.cwd())}
    if "PREFECT_API_URL" not in given:
        wait("prefect", f"{environment['PREFECT_API_URL']}/health")
    if "MLFLOW_TRACKING_URI" not in given:
        wait("mlflow", f"{environment['MLFLOW_TRACKING_URI']}/health")
    _prefect(["work-pool", "create", POOL, "--type", "process", "--overwrite"], environment)
    _prefect(["--no-prompt", "deploy", "--all", "--prefect-file", str(DEPLOYMENTS)], environment)
    ensure("worker", ["prefect", "worker", "start", "--pool", POOL, "--limit", "1"], None, environment)
    return {name: environment[name] for name in ("PREFECT_API_URL", "MLFLOW_TRACKING_URI")}


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


def urls() -> dict[str, str]:
    """The environment that leads to the services of this folder, as far as they run."""
    prefect, mlflow = find("prefect"), find("mlflow")
    found = {"PREFECT_API_URL": f"{prefect.url}/api" if prefect else "", "MLFLOW_TRACKING_URI": mlflow and mlflow.url}
    return {name: url for name, url in found.items() if url}


def own_home() -> dict[str, str]:
    """The environment that gives Prefect a home in this folder, unless the user has one, or a server elsewhere.

    `~/.prefect` is for every Prefect of the user: an older one dies on the database that a newer one migrated.
    """
    if any(os.environ.get(name) for name in ("PREFECT_HOME", "PREFECT_API_URL")):
        return {}
    HOME.mkdir(parents=True, exist_ok=True)
    return {"PREFECT_HOME": str(HOME.absolute())}


def _server_settings() -> dict[str, str]:
    return {
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
