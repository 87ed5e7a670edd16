"""Whatever goes wrong while a set is checked costs that set alone, and all are checked by one pool."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
from support.inboxes import during_the_check, photos, reason, taken

from deepfuse.photo.limits import DEFAULT_LIMITS
from flows import checking, inbox, sets
from flows.inbox import INBOX

pytestmark = pytest.mark.usefixtures("in_folder")


@pytest.mark.usefixtures("unread")
@pytest.mark.parametrize("error", [RecursionError("too deep"), ValueError("\x1b"), MemoryError()])
def test_whatever_goes_wrong_with_a_set_the_others_are_taken(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("odd", "zoo"):
        photos(INBOX / name, 10, 200 + len(name) * (name == "zoo"))
    taking = inbox.fingerprint

    def fail(entry: Path, **known: Any) -> str:
        if entry == INBOX / "odd":
            raise error
        return taking(entry, **known)

    monkeypatch.setattr(inbox, "fingerprint", fail)
    assert taken() == {"odd": "waiting", "zoo": "accepted"}


def test_a_file_that_may_not_be_read_is_a_reason_like_others(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = photos(INBOX / "odd", 10, 200) / "0.png"
    opened = os.open

    def refuse(path: Any, *given: Any, **options: Any) -> int:
        if path == closed:
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *given, **options)

    monkeypatch.setattr(sets.os, "open", refuse)
    during_the_check(monkeypatch, lambda: None, f"{closed}: cannot be read")
    assert taken() == {"odd": "refused"}
    assert "0.png: cannot be read" in reason("odd")


def test_what_no_reader_was_prepared_for_costs_its_set_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(entry: Path, limits: object) -> None:
        raise ZeroDivisionError("\x1b[2J of an exposure")

    monkeypatch.setattr(checking, "check_set", fail)
    why = checking.reason_against(INBOX / "odd", DEFAULT_LIMITS)
    assert why == "data/inbox/odd: cannot be read: ZeroDivisionError: ␛[2J of an exposure"


def test_all_sets_are_checked_by_one_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    started = checking.each_scene
    monkeypatch.setattr(checking, "each_scene", lambda *given, **options: calls.append(1) or started(*given, **options))
    for index in range(4):
        photos(INBOX / f"set {index}", 10, 200 + index)
    (photos(INBOX / "odd", 10, 200) / "x").symlink_to("nowhere")
    assert sorted(taken().values()) == ["accepted"] * 4 + ["refused"]
    assert calls == [1]


def test_a_set_is_read_with_the_limits_of_the_stage() -> None:
    photos(INBOX / "large", 10, 200)
    params = Path("params.yaml").read_text()
    Path("params.yaml").write_text(re.sub(r"megapixels: [\d.]+", "megapixels: 0.00001", params))
    assert taken() == {"large": "refused"}
    assert "expected at most 1e-05 megapixels, got 8×8" in reason("large")
