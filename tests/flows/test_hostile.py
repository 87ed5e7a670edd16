"""A hostile page and another user of the machine against the servers of `up`: none gets in, the proper client does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from support.projects import ROOT
from support.servers import EVENT, JSON, Servers, started_servers
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

pytestmark = pytest.mark.timeout(600)
# What runs commands: a run of the deployment, a deployment of the page's own, the event that triggers one.
RUN = "/api/deployments/{deployment}/create_flow_run"
ATTACKS = {
    RUN: {"state": {"type": "SCHEDULED"}},
    "/api/deployments/": {"name": "theirs", "flow_id": "{flow}", "entrypoint": "theirs.py:flow", "path": "/tmp"},
    "/api/events": [
        {
            "id": "0190a0d5-7b3c-7e5c-8c3a-5a3b7c3b6d11",
            "occurred": datetime.now(UTC).isoformat(),
            "event": EVENT,
            "resource": {"prefect.resource.id": "deepfuse.inbox"},
        }
    ],
    "/api/flow_runs/": {"flow_id": "{flow}"},
}
PAGES: dict[str, dict[str, str]] = {
    "another user's program": {},
    "a wrong password": {"Authorization": f"Basic {b64encode(b'deepfuse:guess').decode()}"},
    "a page": {"Origin": "https://example.org", **JSON},
    "a page that needs no preflight": {"Origin": "https://example.org", "Content-Type": "text/plain"},
    "a page without a type": {"Origin": "null"},
    "a page of another port": {"Origin": "http://127.0.0.1:9999", **JSON},
    "a page under a name that points here": {"Host": "rebound.example:{port}", **JSON},
}


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with started_servers(tmp_path_factory.mktemp("checkout")) as servers:
        yield servers


def filled(value: Any, ids: dict[str, str]) -> Any:
    text = json.dumps(value)
    for name, identity in ids.items():
        text = text.replace(f"{{{name}}}", identity)
    return json.loads(text)


@pytest.mark.parametrize("page", PAGES)
def test_nobody_makes_a_run_or_a_deployment(servers: Servers, page: str) -> None:
    before, ids = servers.count(), servers.ids()
    for path, body in ATTACKS.items():
        status, text, headers = servers.ask(
            servers.prefect, "POST", filled(path, ids), filled(body, ids), **PAGES[page]
        )
        assert status in (401, 403, 421), (path, status, text)
        assert "access-control-allow-origin" not in headers
    assert servers.count() == before


def test_even_one_that_knows_the_password_is_no_page_of_elsewhere(servers: Servers) -> None:
    """As a browser sends what it remembers of MLflow's sign-in."""
    for server in (servers.prefect, servers.mlflow):
        for headers in ({"Origin": "https://example.org"}, {"Host": "rebound.example:{port}"}):
            status, _, _ = servers.ask(server, "POST", "/api/flows/count", {}, **servers.login, **headers)
            assert status in (403, 421)


def test_a_preflight_is_not_answered(servers: Servers) -> None:
    asked = {"Origin": "https://example.org", "Access-Control-Request-Method": "POST"}
    for server in (servers.prefect, servers.mlflow):
        status, _, headers = servers.ask(server, "OPTIONS", "/api/flows/filter", None, **asked)
        assert status == 403
        assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize("origin", [None, "https://example.org"])
@pytest.mark.parametrize("path", ["events/in", "events/out", "logs/out", "work_pools/deepfuse/workers/connect"])
def test_no_socket_opens_without_the_password(servers: Servers, origin: Any, path: str) -> None:
    before = servers.count()
    url = f"ws://{servers.prefect.netloc}/api/{path}"
    with pytest.raises((ConnectionClosed, InvalidStatus)):
        open_socket(url, origin)
    assert servers.count() == before


def open_socket(url: str, origin: Any) -> None:
    with connect(url, subprotocols=["prefect"], origin=origin) as socket:  # type: ignore[list-item]
        socket.send(json.dumps({"type": "auth", "token": "deepfuse:guess"}))
        while True:
            assert "auth_success" not in str(socket.recv(timeout=30))


def test_mlflow_is_closed_too(servers: Servers) -> None:
    """It runs an assistant's commands, and shows files that it is pointed to."""
    create = "/api/2.0/mlflow/registered-models/create"
    for page in PAGES.values():
        status, _, _ = servers.ask(servers.mlflow, "POST", create, {"name": "theirs"}, **page)
        assert status in (401, 403, 421)
    for path in ("/", "/version", "/ajax-api/3.0/mlflow/assistant/config", "/api/2.0/mlflow/experiments/get"):
        status, _, headers = servers.ask(servers.mlflow, "GET", path)
        assert status == 401
        assert "Basic" in headers["www-authenticate"]
    status, _, _ = servers.ask(servers.mlflow, "POST", create, {"name": "ours"}, **servers.login, **JSON)
    assert status == 200


def test_the_same_requests_are_answered_to_who_has_the_password(servers: Servers) -> None:
    """So they were refused for who sent them."""
    before, ids = servers.count(), servers.ids()
    own_page = {"Origin": "http://localhost:{port}", **JSON}
    for path, body in ATTACKS.items():
        status, text, _ = servers.ask(
            servers.prefect, "POST", filled(path, ids), filled(body, ids), **servers.login, **own_page
        )
        assert status in (200, 201, 204), (path, status, text)
    deadline = time.monotonic() + 60  # Prefect writes its events down some time after it answers
    kinds = ("flow_runs/count", "deployments/count", "events/filter")
    while not all(servers.count()[kind] > before[kind] for kind in kinds):
        assert time.monotonic() < deadline, (before, servers.count())
        time.sleep(0.5)


def test_the_proper_client_makes_runs_and_models(servers: Servers) -> None:
    client = [
        sys.executable,
        "-c",
        "from prefect.client.orchestration import get_client\n"
        "import mlflow, sys\n"
        "with get_client(sync_client=True) as client:\n"
        "    run = client.create_flow_run_from_deployment(sys.argv[1])\n"
        "    print(client.read_flow_run(run.id).state.name)\n"
        "print([model.name for model in mlflow.MlflowClient().search_registered_models()])",
        servers.ids()["deployment"],
    ]
    done = subprocess.run(client, env={**os.environ, **servers.client}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["Scheduled", "['ours']"]


OWN_SERVER = """
import os, urllib.error, urllib.request
from flows import services
os.environ |= services.own_home()
from prefect import flow, get_client

@flow
def look():
    with get_client(sync_client=True) as client:
        try:
            urllib.request.urlopen(f"{client.api_url}admin/version")
        except urllib.error.HTTPError as error:
            return error.code

print("answer", look())
"""


def test_a_run_without_a_server_starts_one_that_asks_too(servers: Servers, tmp_path: Path) -> None:
    started = {"PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", OWN_SERVER], cwd=tmp_path, env={**os.environ, **started}, capture_output=True, text=True
    )
    assert "answer 401" in done.stdout, done.stdout + done.stderr


def test_the_password_is_nowhere_that_others_look(servers: Servers) -> None:
    password = servers.client["MLFLOW_TRACKING_PASSWORD"]
    state = servers.place / ".deepfuse"
    assert state.stat().st_mode & 0o077 == 0
    having = [path for path in servers.place.rglob("*") if path.is_file() and password.encode() in path.read_bytes()]
    assert having == [state / "services/login"]
    assert having[0].stat().st_mode & 0o777 == 0o600
    commands = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    assert not any(password.encode() in command for command in commands)
