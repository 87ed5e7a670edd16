"""Servers of storage on this machine, for tests: S3 by moto, in a process of its own, and Debian's Postgres.

`PYTHONPATH=tests python -m support.stores` starts both, prints what `python -m flows up` needs to use them, and ends
them with itself.
"""

from __future__ import annotations

import os
import pwd
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.ports import free_port

HOST = "127.0.0.1"
START_S = 300
PASSWORD = "none of your business"
# A test of what is `here`, sqlite and folders, that also holds on the servers of another place.
_ELSEWHERE = pytest.param("servers", marks=[pytest.mark.servers, pytest.mark.timeout(1200)])
ON_BOTH = pytest.mark.parametrize("stores", ["here", _ELSEWHERE], indirect=True)
POSTGRES = Path("/usr/lib/postgresql")  # where Debian's packages of all releases are


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except OSError:
        return False


def wait_until(is_so: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + START_S
    while not is_so():
        assert time.monotonic() < deadline, f"{what} does not answer"
        time.sleep(0.2)


@dataclass
class Bucket:
    """An S3 server with one bucket; what it has is in its memory, and is lost with it."""

    port: int
    log: Path
    name: str = "studio"
    process: Any = None

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """What MLflow's client and DVC need, each for its own part."""
        keys = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "us-east-1"}
        return {**keys, "AWS_EC2_METADATA_DISABLED": "true", "MLFLOW_S3_ENDPOINT_URL": self.url}

    def client(self, service: str = "s3") -> Any:
        import boto3

        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )

    def start(self) -> None:
        command = [sys.executable, "-m", "moto.server", "-H", HOST, "-p", str(self.port)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        wait_until(self._answers, "the S3 server")
        self.client().create_bucket(Bucket=self.name)

    def _answers(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        return answers(f"{self.url}/moto-api/data.json")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def objects(self) -> set[str]:
        pages = self.client().get_paginator("list_objects_v2").paginate(Bucket=self.name)
        return {each["Key"] for page in pages for each in page.get("Contents", [])}

    def requests(self) -> list[str]:
        """The methods of the requests so far."""
        return re.findall(r'\] "(?:\x1b\[\d+m)*([A-Z]+) /', self.log.read_text(errors="replace"))

    def ask_for_keys(self, *, ask: bool) -> None:
        """Whether it asks who comes in; it knows nobody then."""
        count = b"0" if ask else b"inf"
        plain = {"Content-Type": "text/plain"}
        asked = urllib.request.Request(f"{self.url}/moto-api/reset-auth", data=count, headers=plain)
        with urllib.request.urlopen(asked, timeout=30) as answer:
            assert answer.status == 200


@contextmanager
def bucket(folder: Path) -> Iterator[Bucket]:
    made = Bucket(free_port(), folder / "moto.log")
    made.start()
    try:
        yield made
    finally:
        made.kill()


@dataclass(frozen=True)
class Postgres:
    """A cluster of Debian's package, on loopback, with a password; root runs it as the package's user."""

    folder: Path
    port: int

    def start(self) -> None:
        self._as_owner("pg_ctl", "start", "-w", "-D", f"{self.folder}/data", "-l", f"{self.folder}/log")

    def stop(self, mode: str = "fast") -> None:
        self._as_owner("pg_ctl", "stop", "-m", mode, "-D", f"{self.folder}/data")

    def database(self) -> str:
        """The address of a new database, without the name of a driver."""
        name = f"d{uuid.uuid4().hex}"
        self._as_owner("createdb", "-h", str(self.folder), "-p", str(self.port), "-U", "deepfuse", name)
        return f"deepfuse:{PASSWORD.replace(' ', '%20')}@{HOST}:{self.port}/{name}"

    def make(self) -> None:
        owner = pwd.getpwnam("postgres") if os.getuid() == 0 else pwd.getpwuid(os.getuid())
        secret = self.folder / "password"
        secret.write_text(PASSWORD)
        for path in (self.folder, secret):
            os.chown(path, owner.pw_uid, owner.pw_gid)
        words = ["-D", f"{self.folder}/data", "-U", "deepfuse", "-A", "scram-sha-256", "--pwfile", str(secret)]
        self._as_owner("initdb", *words)
        settings = f"listen_addresses='{HOST}'\nport={self.port}\nunix_socket_directories='{self.folder}'\nfsync=off\n"
        with (self.folder / "data/postgresql.conf").open("a") as file:
            file.write(settings)

    def _as_owner(self, program: str, *arguments: str) -> None:
        newest = max(POSTGRES.iterdir(), key=lambda path: float(path.name)) / "bin" / program
        prefix = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
        environment = {**os.environ, "PGPASSWORD": PASSWORD}
        # A server that it starts would keep a pipe open.
        with tempfile.TemporaryFile("w+") as said:
            command = [*prefix, str(newest), *arguments]
            done = subprocess.run(command, cwd="/", env=environment, stdout=said, stderr=said, check=False)
            said.seek(0)
            assert done.returncode == 0, said.read()


@contextmanager
def postgres() -> Iterator[Postgres]:
    assert POSTGRES.is_dir(), "expected Debian's Postgres, got none: apt-get install postgresql"
    folder = Path(tempfile.mkdtemp(prefix="deepfuse-postgres-"))  # pytest's own folders are closed to other users
    made = Postgres(folder, free_port())
    try:
        made.make()
        made.start()
        try:
            yield made
        finally:
            made.stop()
    finally:
        shutil.rmtree(folder)


def settings(store: Bucket, cluster: Postgres) -> dict[str, str]:
    """The environment in which `python -m flows up` starts its servers on Postgres and S3."""
    return {
        **store.environment,
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"postgresql+asyncpg://{cluster.database()}",
        "MLFLOW_BACKEND_STORE_URI": f"postgresql://{cluster.database()}",
        "MLFLOW_DEFAULT_ARTIFACT_ROOT": f"s3://{store.name}/mlflow-{uuid.uuid4().hex}",
    }


@contextmanager
def mlflow_server(stores: Mapping[str, str], folder: Path) -> Iterator[str]:
    """Its address: MLflow's own command, as somebody runs it for many."""
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "server", "--workers", "1", "--no-serve-artifacts"]
    settings = {**os.environ, **stores, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with (folder / "mlflow.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--host", HOST, "--port", str(port)],
            env=settings,
            cwd=folder,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        wait_until(lambda: answers(f"http://{HOST}:{port}/health"), "MLflow")
        yield f"http://{HOST}:{port}"
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def main() -> None:
    """Start both and wait for SIGINT or SIGTERM."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory() as folder, bucket(Path(folder)) as store, postgres() as cluster:
        for name, value in settings(store, cluster).items():
            print(f"export {name}={shlex.quote(value)}")
        print(f"# dvc remote add --default store s3://{store.name}/dvc")
        print(f"# dvc remote modify --local store endpointurl {store.url}", flush=True)
        try:
            signal.pause()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
