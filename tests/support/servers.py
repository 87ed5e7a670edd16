"""The servers of `up` in a checkout of their own, and requests to them."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from support.ports import free_port
from support.projects import ROOT

FLOWS = [sys.executable, "-m", "flows"]
EVENT = "deepfuse.brackets.arrived"
JSON = {"Content-Type": "application/json"}


class Servers:
    """The started servers, and requests to them."""

    def __init__(self, place: Path) -> None:
        done = subprocess.run([*FLOWS, "env"], cwd=place, capture_output=True, text=True, check=True)
        lines = [line.removeprefix("export ").split("=", 1) for line in done.stdout.splitlines()]
        self.client = {name: value.strip("'") for name, value in lines}
        self.prefect, self.mlflow = (urlsplit(self.client[name]) for name in ("PREFECT_API_URL", "MLFLOW_TRACKING_URI"))
        self.login = {
            "Authorization": f"Basic {b64encode((place / '.deepfuse/services/login').read_bytes().strip()).decode()}"
        }
        self.place = place

    def ask(self, server: Any, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any, Any]:
        """Asked again where the database is busy, as clients do."""
        for _ in range(30):
            answer = self.ask_once(server, method, path, body, **headers)
            if answer[0] != 503:
                break
            time.sleep(1)
        return answer

    def ask_once(self, server: Any, method: str, path: str, body: Any, **headers: str) -> tuple[int, Any, Any]:
        connection = http.client.HTTPConnection(server.hostname, server.port, timeout=60)
        headers = {name: value.format(port=server.port) for name, value in headers.items()}
        data = None if body is None else json.dumps(body).encode()
        connection.request(method, path, data, headers)
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.headers

    def count(self) -> dict[str, int]:
        """How many there are of what an attack would make; the schedule's own runs, which are tagged, come and go."""
        asked = {
            "flow_runs/count": {"flow_runs": {"tags": {"is_null_": True}}},
            "deployments/count": {},
            "flows/count": {},
            "events/filter": {"filter": {"event": {"name": [EVENT]}}},
        }
        found = {}
        for kind, body in asked.items():
            status, text, _ = self.ask(self.prefect, "POST", f"/api/{kind}", body, **JSON, **self.login)
            assert status == 200, text
            answer = json.loads(text)
            found[kind] = answer if isinstance(answer, int) else answer["total"]
        return found

    def ids(self) -> dict[str, str]:
        name = json.loads((self.place / ".deepfuse/name.json").read_text())["name"]
        _, text, _ = self.ask(self.prefect, "GET", f"/api/deployments/name/retrain/{name}", **self.login)
        found = json.loads(text)
        return {"deployment": found["id"], "flow": found["flow_id"]}


@contextmanager
def started_servers(place: Path) -> Iterator[Servers]:
    """Those of `up`, without the worker, which would run what the proper client asks for."""
    shutil.copytree(ROOT / "flows", place / "flows", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("dvc.yaml", "params.yaml"):
        shutil.copy(ROOT / name, place)
    (place / ".dvc").mkdir()
    (place / "deepfuse").symlink_to(ROOT / "deepfuse")
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("PREFECT_", "MLFLOW_"))]:
            patch.delenv(name)
        patch.chdir(place)
        try:
            ports = ["--prefect-port", str(free_port()), "--mlflow-port", str(free_port())]
            done = subprocess.run([*FLOWS, "up", *ports], capture_output=True, text=True)
            assert done.returncode == 0, done.stdout + done.stderr
            stop_worker()
            yield Servers(place)
        finally:
            subprocess.run([*FLOWS, "down"], capture_output=True, check=True)


def stop_worker() -> None:
    from flows.background import find, stop

    worker = find("worker")
    assert worker is not None
    stop(worker)
