"""Sets that change while they are looked at wait, and nothing of anyone's is replaced or deleted."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.inboxes import during_the_check, photos, taken

from flows import inbox, quarantine
from flows.inbox import INBOX, RAW, take_arrivals
from flows.quarantine import QUARANTINE

Make = Callable[[Path], object]

pytestmark = pytest.mark.usefixtures("in_folder")


def rewrite() -> None:
    """Another content of the same size, with its old time: as `cp --preserve` leaves it."""
    path = INBOX / "beach/0.png"
    found = path.stat()
    path.write_bytes(bytes(found.st_size))
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))


@pytest.mark.parametrize("why", [None, "damaged"])
@pytest.mark.parametrize(
    "change", [rewrite, lambda: (INBOX / "beach/1.png").unlink(), lambda: photos(INBOX / "beach", 1, 2, 3)]
)
def test_a_set_that_changes_while_it_is_checked_waits(
    change: Callable[[], object], why: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos(INBOX / "beach", 10, 200)
    during_the_check(monkeypatch, change, why)
    assert taken() == {"beach": "waiting"}
    assert not QUARANTINE.exists()
    during_the_check(monkeypatch, lambda: None)
    assert taken() == {"beach": "accepted"}


def test_a_duplicate_that_grows_while_it_is_compared_is_not_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    during_the_check(monkeypatch, lambda: None)
    photos(INBOX / "beach", 10, 200)
    take_arrivals({})
    photos(INBOX / "again", 10, 200)

    def grow(*arguments: Any) -> bool:
        photos(INBOX / "again", 10, 200, 30)
        return quarantine.has_same_content(*arguments)

    monkeypatch.setattr(inbox, "has_same_content", grow)
    assert taken() == {"again": "waiting"}
    assert (INBOX / "again/2.png").exists()


@pytest.mark.usefixtures("unread")
def test_hidden_folders_are_the_users() -> None:
    names = (".holiday.copy", ".holiday.2024.copy", ".beach.4194305.copy", ".old.4194305.gone")
    for name in names:
        photos(INBOX / name, 10, 200)
    take_arrivals({})
    assert sorted(path.name for path in INBOX.iterdir()) == sorted(names)
    assert all((INBOX / name / "1.png").exists() for name in names)


@pytest.mark.usefixtures("unread")
def test_a_file_with_another_name_elsewhere_is_copied_and_not_shared() -> None:
    theirs = photos(Path("theirs"), 10, 200)
    shutil.copytree(theirs, INBOX / "beach", copy_function=os.link)
    assert taken() == {"beach": "accepted"}
    assert not (RAW / "beach/0.png").samefile(theirs / "0.png")
    assert (RAW / "beach/0.png").read_bytes() == (theirs / "0.png").read_bytes()
    assert list(INBOX.iterdir()) == []


def test_a_file_called_reason_that_came_with_a_set_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    (photos(INBOX / "odd", 10, 200) / "reason.json").write_text('{"why": "theirs"}')
    during_the_check(monkeypatch, lambda: None, "damaged")
    assert taken() == {"odd": "refused"}
    assert (QUARANTINE / "odd/reason.json").read_text() == '{"why": "theirs"}'
    assert "damaged" in (QUARANTINE / "odd.reason.json").read_text()
    (QUARANTINE / "odd").rename(INBOX / "odd")
    during_the_check(monkeypatch, lambda: None)
    assert taken() == {"odd": "accepted"}
    assert (RAW / "odd/reason.json").read_text() == '{"why": "theirs"}'


def test_a_set_that_is_being_repaired_in_quarantine_is_not_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    during_the_check(monkeypatch, lambda: None, "damaged")
    for _ in range(3):
        photos(INBOX / "odd", 10, 200)
        take_arrivals({})
    assert [path.name for path in QUARANTINE.iterdir()] == ["odd"]  # the same content, kept once
    photos(QUARANTINE / "odd", 10, 220)
    for _ in range(3):
        photos(INBOX / "odd", 10, 200)
        take_arrivals({})
    assert len(list(QUARANTINE.iterdir())) == 2
    photos(INBOX / "duplicates", 10, 200)
    assert next(iter(taken())).startswith("duplicates-")
