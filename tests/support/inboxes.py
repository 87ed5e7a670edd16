"""Sets in the inbox: made, taken in, refused."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deepfuse.photo import write_photo
from flows import inbox
from flows.inbox import take_arrivals
from flows.quarantine import QUARANTINE


def photos(folder: Path, *levels: int) -> Path:
    """A set of tiny photos, one a grey level."""
    folder.mkdir(parents=True, exist_ok=True)
    for index, level in enumerate(levels):
        write_photo(folder / f"{index}.png", np.full((8, 8, 3), level, np.uint8))
    return folder


def listen(path: Path) -> None:
    """A socket there, on which nobody listens any more."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(path))


def taken() -> dict[str, str]:
    """What became of each set."""
    return {arrival.name: arrival.status for arrival in take_arrivals({})}


def reason(name: str) -> str:
    """Why a set was refused."""
    found = json.loads((QUARANTINE / name / "reason.json").read_text())["reason"]
    assert isinstance(found, str)
    return found


def during_the_check(monkeypatch: pytest.MonkeyPatch, change: Callable[[], object], why: str | None = None) -> None:
    def changing(checked: dict[Path, int], limits: object) -> Any:
        for _ in checked:
            change()
            yield why

    monkeypatch.setattr(inbox, "reasons_against", changing)
