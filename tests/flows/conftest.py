"""An empty inbox to work in, and sets whose photos nobody reads."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from support.projects import ROOT

from flows import inbox
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
