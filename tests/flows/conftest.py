"""An empty inbox to work in, and sets whose photos nobody reads."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from support.cards import FOLDER, write
from support.checkouts import make_checkout, make_house
from support.projects import ROOT
from support.sharing import shared
from support.stores import Bucket, Postgres, bucket, postgres, settings
from support.warm import WarmCommand

from flows import inbox, pipeline
from flows.inbox import INBOX


@pytest.fixture
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkout with nothing but its parameters and an inbox, in which nothing has to settle."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(inbox, "SETTLED_S", 0)
    shutil.copy(ROOT / "params.yaml", tmp_path)
    INBOX.mkdir(parents=True)


@pytest.fixture
def unread(monkeypatch: pytest.MonkeyPatch) -> None:
    """No process is started: the sets of these tests are good or refused before their photos are read."""

    def none(checked: dict[Path, int], limits: object) -> Any:
        yield from (None for _ in checked)

    monkeypatch.setattr(inbox, "reasons_against", none)


@pytest.fixture
def card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory with a card in it."""
    monkeypatch.chdir(tmp_path)
    FOLDER.mkdir()


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """What no set may bring along."""
    return write(tmp_path / "theirs/id_rsa", "PRIVATE KEY")


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout of nothing but recorded brackets, beside its remote. Not to be changed."""
    return shared(tmp_path_factory, "checkout", lambda folder: make_checkout(folder / "project")) / "project"


@pytest.fixture
def warm(monkeypatch: pytest.MonkeyPatch) -> None:
    """The flows' dvc commands are copied rather than started: `test_recovery` has those that are killed."""
    monkeypatch.setattr(pipeline, "subprocess", SimpleNamespace(Popen=WarmCommand, PIPE=None, STDOUT=None))


@pytest.fixture
def in_checkout(warm: None, checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy of it to change, its files and its cache's the same ones, as DVC makes them."""
    subprocess.run(["cp", "-a", checkout, checkout.parent / "remote", tmp_path], check=True)
    monkeypatch.chdir(tmp_path / "project")


@pytest.fixture
def house(warm: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with three contents of one bracket, of which two have a name."""
    folder = tmp_path / "house"
    folder.mkdir()
    monkeypatch.chdir(folder)
    make_house(folder)
    return folder


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Bucket]:
    """An S3 server with an empty bucket."""
    with bucket(tmp_path) as made:
        yield made


@pytest.fixture(scope="session")
def cluster() -> Iterator[Postgres]:
    """A Postgres server."""
    with postgres() as made:
        yield made


@pytest.fixture
def stores(request: pytest.FixtureRequest) -> dict[str, str]:
    """What puts the servers of `up` on Postgres and S3, of databases of its own; empty where they are on this disk."""
    if getattr(request, "param", "here") == "here":
        return {}
    return settings(request.getfixturevalue("store"), request.getfixturevalue("cluster"))
