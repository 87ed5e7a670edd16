"""`mlflow models serve` on a free port, and requests to it."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from support.ports import free_port

from deepfuse import read_photo

CHAMPION = "models:/deepfuse@champion"
START_S = 120


def encoded(*paths: Path) -> list[str]:
    return [base64.b64encode(path.read_bytes()).decode() for path in paths]


def decoded(text: str, folder: Path) -> np.ndarray:
    (folder / "decoded.png").write_bytes(base64.b64decode(text))
    return read_photo(folder / "decoded.png")


@contextmanager
def serving(champion: Path) -> Iterator[str]:
    """The address of `mlflow models serve`; the folder gets its records, its log and its port of metrics."""
    port, metrics_port = free_port(), free_port()
    folder = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}
    environment |= {"DEEPFUSE_RECORDS": str(champion / "records"), "DEEPFUSE_METRICS_PORT": str(metrics_port)}
    (champion / "metrics_port").write_text(str(metrics_port))
    command = [folder / "mlflow", "models", "serve", "-m", CHAMPION, "--env-manager", "local", "-p", str(port)]
    log = champion / "server.log"
    with log.open("wb") as out:
        process = subprocess.Popen(command, env=environment, stdout=out, stderr=out, start_new_session=True)
    try:
        wait_for(f"http://127.0.0.1:{port}/ping", process, log)
        yield f"http://127.0.0.1:{port}/invocations"
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def wait_for(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except OSError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)


def post(address: str, request: Mapping[str, Any]) -> Any:
    body = json.dumps(request).encode()
    asked = urllib.request.Request(address, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(asked, timeout=60) as answer:
        return json.load(answer)
