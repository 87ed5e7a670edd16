"""The password of the servers: made once, read by its owner alone, given to no server elsewhere."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from deepfuse.errors import DeepfuseError
from flows import background, login, pipeline, services


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("PREFECT_API_URL", "PREFECT_HOME", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_it_is_made_once_and_its_owner_alone_reads_it() -> None:
    before = os.umask(0)
    try:
        made = login.read_login()
    finally:
        os.umask(before)
    assert len(made) > 40
    assert login.read_login() == made
    assert (mode(login.LOGIN), mode(login.PRIVATE)) == (0o600, 0o700)
    assert [path.name for path in login.LOGIN.parent.iterdir()] == ["login"]


def test_two_that_make_it_at_once_have_one() -> None:
    found: list[str] = []
    gate = threading.Barrier(8)

    def read() -> None:
        gate.wait()
        found.append(login.read_login())

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


def test_one_that_others_may_read_or_placed_is_refused(place: Path) -> None:
    login.read_login()
    login.LOGIN.chmod(0o640)
    with pytest.raises(DeepfuseError, match="nobody else reads, got -rw-r-----"):
        login.read_login()
    kept = login.LOGIN.rename(place / "elsewhere")
    kept.chmod(0o600)
    login.LOGIN.symlink_to(kept)
    with pytest.raises(DeepfuseError, match="delete it"):
        login.read_login()


def test_a_server_elsewhere_does_not_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    here = background.Service(1, 1, "http://127.0.0.1:1")
    monkeypatch.setattr(services, "find", lambda name: here)
    password = login.read_login().partition(":")[2]
    found = services.access()
    assert found["PREFECT_API_AUTH_STRING"].endswith(password)
    assert found["MLFLOW_TRACKING_PASSWORD"] == password
    monkeypatch.setenv("PREFECT_API_URL", "https://prefect.example.org/api")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://mlflow.example.org")
    assert services.access() == services.own_home() == {}


def test_no_stage_has_it(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    subprocess.run([Path(sys.executable).with_name("dvc"), "init", "-q", "--no-scm"], check=True)
    (place / "dvc.yaml").write_text("stages:\n  one:\n    cmd: env > seen\n    outs: [seen]\n")
    for name, value in {**login.for_server(), **login.for_prefect(), **login.for_mlflow()}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_PROFILE", "of the remote")
    pipeline.dvc("repro")
    seen = (place / "seen").read_text()
    assert "AWS_PROFILE=of the remote" in seen
    assert login.read_login().partition(":")[2] not in seen
