"""The loop as a service: a real server, worker and trigger, from `up` over a submitted bracket to `down`."""

from __future__ import annotations

import http.server
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import mlflow
import pytest
from prefect import get_client
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings
from prefect.states import Crashed, Running
from support.ports import free_port
from support.projects import ROOT, add_scene, raw_project
from support.stores import ON_BOTH, Bucket, Postgres

from deepfuse.evaluation.reference import reference_cache
from deepfuse.evaluation.reference_scenes import reference_scenes
from deepfuse.files import write_json
from deepfuse.params import read_params
from flows import background, services
from flows.identity import identity

WAIT_S = 240


@pytest.fixture
def environment(project: Path, stores: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """A project like a checkout: the flows come from its folder alone."""
    shutil.copytree(ROOT / "flows", raw_project(project) / "flows", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.chdir(project)
    for name in [name for name in os.environ if name.startswith(("PREFECT_", "MLFLOW_", "PYTHON"))]:
        monkeypatch.delenv(name)
    for name, value in stores.items():
        monkeypatch.setenv(name, value)
    yield dict(os.environ)
    services.down()


def flows(environment: dict[str, str], *arguments: str) -> str:
    command = [sys.executable, "-m", "flows", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def go_up(environment: dict[str, str], ports: list[str], monkeypatch: pytest.MonkeyPatch) -> str:
    """What `up` says; this process then gets into its servers."""
    said = flows(environment, "up", *ports)
    for name, value in re.findall(r"export (\w+)=(\S+)", flows(environment, "env")):
        monkeypatch.setenv(name, value)
    return said


def free_ports() -> list[str]:
    return ["--prefect-port", str(free_port()), "--mlflow-port", str(free_port())]


@contextmanager
def prefect_client() -> Iterator[Any]:
    ours = {
        PREFECT_API_URL: os.environ["PREFECT_API_URL"],
        PREFECT_API_AUTH_STRING: os.environ["PREFECT_API_AUTH_STRING"],
    }
    with temporary_settings(ours), get_client(sync_client=True) as client:  # settings are read once a process
        yield client


@pytest.fixture
def alarms(environment: dict[str, str]) -> Iterator[list[str]]:
    """What a local webhook is told."""
    told: list[str] = []

    class Hook(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["text"])
            self.send_response(200)
            self.end_headers()

    server = http.server.HTTPServer((background.HOST, 0), Hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    environment["DEEPFUSE_ALARM"] = f"http://{background.HOST}:{server.server_port}/"
    yield told
    server.shutdown()
    server.server_close()


def wait_for(text: str, alarms: list[str]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not any(text in alarm for alarm in alarms):
        assert time.monotonic() < deadline, alarms
        time.sleep(0.5)


@ON_BOTH
@pytest.mark.timeout(600)
def test_a_submitted_bracket_becomes_a_version(
    environment: dict[str, str],
    alarms: list[str],
    project: Path,
    small_reference: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reference_scenes(reference_cache(read_params().libraries))  # which the worker's run then finds
    assert ".deepfuse/services/login has them" in go_up(environment, free_ports(), monkeypatch)
    bracket = add_scene(project, "fjord", 9, folder="card")
    (project / "data/inbox/empty").mkdir(parents=True)
    assert "a run was asked for" in flows(environment, "submit", str(bracket))

    client = mlflow.MlflowClient()
    deadline = time.monotonic() + WAIT_S
    while not any("deepfuse.data" in version.tags for version in client.search_model_versions("name='deepfuse'")):
        assert time.monotonic() < deadline, Path(".deepfuse/services/worker.log").read_text()
        time.sleep(1)
    assert Path("data/raw/fjord").is_dir()
    versions = {version.version: version.tags for version in client.search_model_versions("name='deepfuse'")}
    champion = client.get_model_version_by_alias("deepfuse", "champion").version
    assert len(versions) == 2
    assert versions[champion]["deepfuse.origin"] == "shipped"

    wait_for(".set.refused: empty: ", alarms)
    wait_for(".model.promoted: version 1 promoted: ", alarms)
    with prefect_client() as prefect:
        run = next(run for run in prefect.read_flow_runs() if run.deployment_id)
        made = prefect.create_flow_run_from_deployment(run.deployment_id, state=Running())
        prefect.set_flow_run_state(made.id, Crashed(message="nobody said so"), force=True)
    wait_for(f": Crashed: run {made.name}: nobody said so", alarms)

    pids = {name: background.find(name) for name in ("prefect", "mlflow", "worker")}
    assert None not in pids.values()
    assert "worker, mlflow, prefect" in flows(environment, "down")
    assert not any(service and service.alive() for service in pids.values())
    assert "nothing was running" in flows(environment, "down")


@pytest.mark.servers
@pytest.mark.timeout(900)
@pytest.mark.parametrize("stores", ["servers"], indirect=True)
def test_what_was_on_postgres_and_s3_is_there_after_all_servers_were_killed(
    environment: dict[str, str], store: Bucket, cluster: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    def deployment() -> Any:
        with prefect_client() as prefect:
            return prefect.read_deployment_by_name(identity().deployment).id

    ports = free_ports()
    go_up(environment, ports, monkeypatch)
    client, made = mlflow.MlflowClient(), deployment()
    client.create_registered_model("deepfuse")
    run = client.create_run("0").info.run_id
    client.log_text(run, "kept", "note.txt")
    for name in ("worker", "mlflow", "prefect"):
        service = background.find(name)
        assert service is not None
        os.killpg(service.pid, signal.SIGKILL)
    cluster.stop("immediate")
    cluster.start()
    go_up(environment, ports, monkeypatch)
    assert deployment() == made
    assert client.get_registered_model("deepfuse").name == "deepfuse"
    artifact = client.get_run(run).info.artifact_uri
    assert artifact.startswith("s3://studio/mlflow-")
    assert f"{artifact.removeprefix('s3://studio/')}/note.txt" in store.objects()
    assert not [path for path in (Path("mlflow.db"), services.HOME / "prefect.db") if path.exists()]


def test_a_taken_port_is_named(environment: dict[str, str]) -> None:
    with socket.socket() as other:
        other.bind((background.HOST, 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(background.ServiceError, match=f"prefect: expected port {port} to be free"):
            services.start_servers(prefect_port=port, mlflow_port=port)


@pytest.fixture
def open_server() -> Iterator[http.server.HTTPServer]:
    """One that answers everybody, in this process."""
    server = http.server.HTTPServer((background.HOST, 0), http.server.SimpleHTTPRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_a_server_that_lets_everybody_in_is_refused(open_server: http.server.HTTPServer) -> None:
    url = f"http://{background.HOST}:{open_server.server_port}/"
    with pytest.raises(background.ServiceError, match=r"to ask for a password .* got 200: stop it"):
        background.require_closed("mlflow", url)


def test_another_process_that_answers_is_not_the_service(
    open_server: http.server.HTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(background, "START_S", 2)
    background.STATE.mkdir(parents=True)
    url = f"http://{background.HOST}:{open_server.server_port}/"
    with subprocess.Popen(["sleep", "60"]) as other:
        for pid, said in ((os.getpid(), None), (other.pid, "got none")):
            service = background.Service(pid, background._started_s(pid) or 0, url)
            write_json(background.STATE / "mlflow.json", asdict(service))
            with pytest.raises(background.ServiceError, match=said) if said else nullcontext():
                background.wait("mlflow", url)
        other.kill()


def test_the_state_of_a_dead_process_is_not_believed(environment: dict[str, str]) -> None:
    background.STATE.mkdir(parents=True)
    (background.STATE / "prefect.json").write_text(f'{{"pid": {os.getpid()}, "started_s": 1, "url": "http://x"}}')
    (background.STATE / "mlflow.json").write_text('{"pid":')
    assert services.access() == {}
    assert services.down() == []
