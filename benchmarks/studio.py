"""A studio for a benchmark: a clone of this checkout, real servers, an ear for alarms, a meter of processor time."""

from __future__ import annotations

import json
import os
import shlex
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import psutil
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]
IDENTITY = ("-c", "user.name=studio", "-c", "user.email=studio@localhost")
QUIET_S = 3
ENDED = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
SLOWEST_S = 3600  # of the work of a day


class Ear:
    """A webhook that keeps what it is told."""

    def __init__(self) -> None:
        heard: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                heard.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *arguments: object) -> None:
                pass

        self.heard = heard
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class Meter:
    """Processor seconds of every process that works in a folder, sampled once a second."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._spent: dict[tuple[int, float], float] = {}
        threading.Thread(target=self._watch, daemon=True).start()

    def seconds(self) -> float:
        """All that was spent until now."""
        return sum(self._spent.values())

    def processes(self, word: str = "") -> list[psutil.Process]:
        """Those that work in the folder, with this word in their command line."""
        found = []
        for process in psutil.process_iter(["cwd", "cmdline"]):
            inside = process.info["cwd"] and Path(process.info["cwd"]).is_relative_to(self.folder)
            if inside and word in " ".join(process.info["cmdline"] or []):
                found.append(process)
        return found

    def _watch(self) -> None:
        while True:
            for process in self.processes():
                try:
                    times = process.cpu_times()
                    self._spent[process.pid, process.create_time()] = times.user + times.system
                except psutil.Error:
                    continue
            time.sleep(1)


@dataclass
class Studio:
    """The clone, and how to ask its servers."""

    folder: Path
    environment: dict[str, str]
    ear: Ear
    meter: Meter
    watcher: subprocess.Popen[bytes] | None = None
    api: dict[str, str] = field(default_factory=dict)

    def run(self, *words: str) -> str:
        """What a command prints in the clone; it must succeed."""
        done = subprocess.run(words, cwd=self.folder, env=self.environment, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{shlex.join(words)}: {done.stdout}{done.stderr}")
        return done.stdout

    def start(self) -> None:
        """What a boot starts: servers, worker, watcher."""
        self.run(sys.executable, "-m", "flows", "up", *self.ports)
        lines = self.run(sys.executable, "-m", "flows", "env").splitlines()
        self.api = dict(shlex.split(line)[1].split("=", 1) for line in lines)
        command = [sys.executable, "-m", "flows", "watch", "data/incoming", "--quiet", str(QUIET_S)]
        log = (self.folder / ".deepfuse/watch.log").open("ab")
        self.watcher = subprocess.Popen(command, cwd=self.folder, env=self.environment, stdout=log, stderr=log)

    @property
    def ports(self) -> tuple[str, ...]:
        """The options of `up` that name two ports."""
        return "--prefect-port", self.environment["PORT_A"], "--mlflow-port", self.environment["PORT_B"]

    def stop(self) -> None:
        """End all of it."""
        if self.watcher:
            self.watcher.terminate()  # SIGINT is ignored where this runs in the background
            self.watcher.wait(60)
        self.run(sys.executable, "-m", "flows", "down")

    def cut_power(self) -> None:
        """Kill everything that works in the clone at once."""
        for process in self.meter.processes():
            try:
                process.kill()
            except psutil.Error:
                continue
        time.sleep(1)

    def prefect(self, path: str, body: Mapping[str, Any]) -> Any:
        """What Prefect's server answers to a POST."""
        user, password = self.api["PREFECT_API_AUTH_STRING"].split(":", 1)
        url = f"{self.api['PREFECT_API_URL']}/{path}"
        answer = httpx.post(url, json=dict(body), auth=(user, password), timeout=60)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def runs(self) -> list[dict[str, Any]]:
        """Every run of the deployment but those of a later schedule, the newest first."""
        runs = self.prefect("flow_runs/filter", {"sort": "EXPECTED_START_TIME_DESC", "limit": 200})
        return [run for run in runs if not (run["state_name"] == "Scheduled" and run["auto_scheduled"])]

    def night(self) -> None:
        """Run the deployment, as the schedule does."""
        [deployment] = self.prefect("deployments/filter", {})
        self.prefect(f"deployments/{deployment['id']}/create_flow_run", {"state": {"type": "SCHEDULED"}})

    def settle(self) -> bool:
        """Wait until nothing arrives or runs any more; whether that came about in time."""
        deadline, calm = time.monotonic() + SLOWEST_S, 0
        while calm < 3 and time.monotonic() < deadline:
            time.sleep(QUIET_S)
            waiting = [path for name in ("incoming", "inbox") for path in self._entries(name)]
            busy = [run for run in self.runs() if run["state_type"] not in ENDED]
            calm = 0 if waiting or busy else calm + 1
        return calm == 3

    def _entries(self, name: str) -> list[Path]:
        folder = self.folder / "data" / name
        return [path for path in folder.iterdir() if path.name[0] != "."] if folder.is_dir() else []


def open_studio(folder: Path, params: Mapping[str, Mapping[str, object]]) -> Studio:
    """Clone this checkout, give it a remote of its own, and set its params; or go on in the clone that is there."""
    there = folder.exists()
    if not there:
        folder.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["git", "clone", "-q", ROOT, folder], check=True)
        set_params(folder, params)
    ear = Ear()
    ports = {name: str(_free_port()) for name in ("PORT_A", "PORT_B")}
    path_variable = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path_variable, "DEEPFUSE_ALARM": ear.url, **ports}
    for name in ("PREFECT_API_URL", "MLFLOW_TRACKING_URI", "PREFECT_HOME", "PYTHONPATH"):
        environment.pop(name, None)
    studio = Studio(folder, environment, ear, Meter(folder))
    if not there:
        studio.run("dvc", "remote", "add", "--default", "store", str(folder.with_name("remote")))
        studio.run("git", *IDENTITY, "commit", "-qam", "Take in brackets")
        (folder / "data/incoming").mkdir(parents=True)
    return studio


def set_params(folder: Path, params: Mapping[str, Mapping[str, object]]) -> None:
    """Change params.yaml in a checkout."""
    yaml, path = YAML(), folder / "params.yaml"
    values = yaml.load(path.read_text())
    for section, changes in params.items():
        values[section].update(changes)
    yaml.dump(values, path)


def registry(studio: Studio) -> tuple[int, str, dict[str, str]]:
    """Versions, the champion's number, and of each version its verdict."""
    code = (
        "import json\nfrom deepfuse import registry\nfrom deepfuse.registry import versions\n"
        "print(json.dumps([[v.number, list(v.aliases), v.verdict or ''] for v in versions()]))"
    )
    environment = {**studio.environment, **studio.api}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=studio.folder, env=environment, capture_output=True, text=True
    )
    found = json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 and done.stdout else []
    champion = next((number for number, aliases, _ in found if "champion" in aliases), "")
    return len(found), champion, {number: verdict for number, _, verdict in found}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
