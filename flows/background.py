"""A background process of this folder: started, found again by a later command, waited for, stopped.

Prefect's own `server start --background` does not do it: what the server says goes to a pipe that nobody reads, a pid
file that outlives its process keeps the next server from starting, or has `server stop` end a process of somebody
else, and neither command waits. For its workers, and for MLflow, there is no such thing.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from http import HTTPStatus
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

import psutil

from deepfuse.files import write_json

STATE = Path(".deepfuse/services")
HOST = "127.0.0.1"
START_S = 180
STOP_S = 60


class ServiceError(Exception):
    """A service does not start, or its port is taken."""


@dataclass(frozen=True)
class Service:
    """A background process: its group, when it started in seconds since boot, and where it answers."""

    pid: int
    started_s: float
    url: str

    def alive(self) -> bool:
        """Whether it still runs, and is not another process of the same number."""
        started_s = _started_s(self.pid)
        return started_s is not None and abs(started_s - self.started_s) < 1


def ensure(name: str, command: list[str], port: int | None, environment: Mapping[str, str]) -> Service:
    """The running service of this name, started if there is none."""
    service = find(name)
    if service is not None:
        return service
    command = _with_port(name, command, port)
    STATE.mkdir(parents=True, exist_ok=True)
    with (STATE / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(
            command,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            # Prefect's worker ends by SIGINT, which a background job of a shell inherits as ignored.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
    return _note(name, process.pid, port)


def become(name: str, command: list[str], port: int | None, environment: Mapping[str, str]) -> NoReturn:
    """Turn this process into a service that later commands find, for a service manager that restarts it.

    Raises:
        ServiceError: there is one already, or its port is taken.
    """
    service = find(name)
    if service is not None:
        raise ServiceError(f"{name}: expected none to run, got process {service.pid}: `python -m flows down` stops it")
    command = _with_port(name, command, port)
    STATE.mkdir(parents=True, exist_ok=True)
    _note(name, os.getpid(), port)
    os.execve(command[0], command, {**os.environ, **environment})


def _with_port(name: str, command: list[str], port: int | None) -> list[str]:
    if port is None:
        return [sys.executable, "-m", *command]
    _require_free(name, port)
    return [sys.executable, "-m", *command, "--port", str(port)]


def _note(name: str, pid: int, port: int | None) -> Service:
    service = Service(pid, _started_s(pid) or 0, f"http://{HOST}:{port}" if port else "")
    write_json(STATE / f"{name}.json", asdict(service))
    return service


def find(name: str) -> Service | None:
    """The service of this name that an earlier command started, if it runs."""
    try:
        service = Service(**json.loads((STATE / f"{name}.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return service if service.alive() else None


def wait(name: str, url: str) -> None:
    """Wait until a service answers, itself: who got the port before it would be sent the password.

    Raises:
        ServiceError: it ended, or does not answer.
    """
    deadline = time.monotonic() + START_S
    log = STATE / f"{name}.log"
    while time.monotonic() < deadline:
        service = find(name)
        if service is None:
            raise ServiceError(f"{name}: expected it to start, got its end: see {log}")
        try:
            if not _listens(service.pid, urlsplit(url).port):
                raise ConnectionError
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.3)
    raise ServiceError(f"{name}: expected an answer from {url} within {START_S} s, got none: see {log}")


def require_closed(name: str, url: str) -> None:
    """Refuse a service that answers without the password, as one does that was started before there was one.

    Raises:
        ServiceError: it lets everybody in.
    """
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:
            got = answer.status
    except urllib.error.HTTPError as error:
        got = error.code
    if got != HTTPStatus.UNAUTHORIZED:
        raise ServiceError(
            f"{name}: expected {url} to ask for a password (status 401), got {got}: stop it, `python -m flows down`"
        )


def stop(service: Service) -> None:
    """End a service and its children: asked first, killed after a minute."""
    os.killpg(service.pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_S
    while service.alive() and time.monotonic() < deadline:
        time.sleep(0.1)
    if service.alive():
        os.killpg(service.pid, signal.SIGKILL)


def _listens(pid: int, port: int | None) -> bool:
    """Whether a process has a port of this machine."""
    try:
        found = psutil.Process(pid).net_connections("inet")
    except psutil.Error:
        return False
    return any(each.status == psutil.CONN_LISTEN and each.laddr.port == port for each in found)


def _require_free(name: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            raise ServiceError(
                f"{name}: expected port {port} to be free, got one in use: choose another with --{name}-port"
            ) from None


def _started_s(pid: int) -> float | None:
    """When a process started, in seconds since boot, which no change of the clock moves; none if it ended."""
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time() - psutil.boot_time()
    except psutil.NoSuchProcess:
        return None
