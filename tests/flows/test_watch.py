"""When a set in a watched folder counts as complete, and how it reaches the inbox."""

from __future__ import annotations

import errno
import os
from functools import partial
from pathlib import Path

import pytest
from support.cards import FOLDER, MOST_BYTES, names, write

from flows import moving, watch
from flows.inbox import INBOX
from flows.watch import Watcher as AnyWatcher

pytestmark = pytest.mark.usefixtures("card")
Watcher = partial(AnyWatcher, most_bytes=MOST_BYTES)


def test_a_set_is_complete_after_a_quiet_time_since_its_last_change() -> None:
    watcher = Watcher(FOLDER, quiet_s=30)
    write(FOLDER / "beach/1.dng")
    assert watcher.take(0) == []
    write(FOLDER / "beach/2.dng")
    assert watcher.take(20) == []
    write(FOLDER / "beach/2.dng", "more pixels")
    assert watcher.take(40) == []
    assert watcher.take(69) == []
    assert names(watcher.take(70)) == ["beach"]
    assert sorted(names(list((INBOX / "beach").iterdir()))) == ["1.dng", "2.dng"]
    assert list(FOLDER.iterdir()) == []


def test_a_set_on_its_way_holds_up_itself_alone() -> None:
    watcher = Watcher(FOLDER, quiet_s=1)
    partial = write(FOLDER / "slow/.1.dng.Xy12Zz")
    write(FOLDER / "done/1.dng")
    watcher.take(0)
    assert names(watcher.take(2)) == ["done"]
    partial.rename(FOLDER / "slow/1.dng")
    watcher.take(3)
    assert names(watcher.take(5)) == ["slow"]


def test_loose_photos_are_one_set_once_all_are_quiet() -> None:
    watcher = Watcher(FOLDER, quiet_s=10)
    write(FOLDER / "IMG_1.dng")
    watcher.take(0)
    write(FOLDER / "IMG_2.dng")
    assert watcher.take(11) == []
    (target,) = watcher.take(22)
    assert target.name.startswith("IMG_1-")
    assert sorted(names(list(target.iterdir()))) == ["IMG_1.dng", "IMG_2.dng"]
    assert list(FOLDER.iterdir()) == []


def test_photos_that_a_killed_watcher_was_gathering_are_one_set_still() -> None:
    write(FOLDER / ".gathering/IMG_1.dng")
    write(FOLDER / "IMG_2.dng")
    watcher = Watcher(FOLDER, quiet_s=1)
    watcher.take(0)
    (target,) = watcher.take(2)
    assert sorted(names(list(target.iterdir()))) == ["IMG_1.dng", "IMG_2.dng"]


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """The inbox is on another file system than the watched folder."""
    rename = Path.rename

    def refuse(path: Path, target: Path) -> Path:
        if target.parent == INBOX and path.parent != INBOX:
            raise OSError(errno.EXDEV, "another file system")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refuse)


def copied_secrets() -> list[Path]:
    return [path for path in Path("data").rglob("*") if path.is_file() and "PRIVATE" in path.read_text()]


@pytest.mark.parametrize("far", [False, True])
def test_a_set_with_what_is_no_file_stays_and_no_link_is_followed(
    far: bool, secret: Path, caplog: pytest.LogCaptureFixture, request: pytest.FixtureRequest
) -> None:
    if far:
        request.getfixturevalue("elsewhere")
    watcher = Watcher(FOLDER, quiet_s=1)
    (write(FOLDER / "beach/1.dng").parent / "2.dng").symlink_to(secret)
    (write(FOLDER / "caves/1.dng").parent / "inner").symlink_to(secret.parent)
    (FOLDER / "dunes").symlink_to(secret.parent)
    (FOLDER / "IMG_1.dng").symlink_to(secret)
    (FOLDER / "loop").symlink_to("loop")
    os.mkfifo(write(FOLDER / "fjord/1.dng").parent / "2.dng")
    os.truncate(write(FOLDER / "hollow/1.dng"), 50_000_000_000)
    write(FOLDER / "IMG_2.dng")
    write(FOLDER / "zoo/1.dng")
    with caplog.at_level("INFO", logger="flows"):
        watcher.take(0)
        assert [name.split("-")[0] for name in names(watcher.take(2))] == ["zoo", "IMG_2"]
        watcher.take(3)
    assert copied_secrets() == []
    assert sorted(names(list(FOLDER.iterdir()))) == ["IMG_1.dng", "beach", "caves", "dunes", "fjord", "hollow", "loop"]
    assert caplog.text.count("got a link") == 5  # each told once
    assert caplog.text.count("got a named pipe") == 1
    assert caplog.text.count("got 50.0 GB") == 1


@pytest.mark.usefixtures("elsewhere")
def test_a_file_that_becomes_a_link_while_its_set_is_copied_is_not_followed(
    secret: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever watches the copy and is quick: what counts is what was opened."""
    write(FOLDER / "beach/1.dng")
    check = moving.check_files

    def then_swap(entry: Path, **limit: float) -> None:
        check(entry, **limit)
        (FOLDER / "beach/1.dng").unlink()
        (FOLDER / "beach/1.dng").symlink_to(secret)

    monkeypatch.setattr(moving, "check_files", then_swap)
    watcher = Watcher(FOLDER, quiet_s=1)
    watcher.take(0)
    assert watcher.take(2) == []
    assert copied_secrets() == []
    assert list(INBOX.iterdir()) == []


@pytest.mark.usefixtures("elsewhere")
def test_a_photo_that_comes_while_its_set_is_copied_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    write(FOLDER / "beach/1.dng")
    flush = moving._flush

    def then_write(path: Path) -> None:
        flush(path)
        write(FOLDER / "beach/2.dng")

    with monkeypatch.context() as patch:
        patch.setattr(moving, "_flush", then_write)
        watcher = Watcher(FOLDER, quiet_s=1)
        watcher.take(0)
        assert watcher.take(2) == []
    assert list(INBOX.iterdir()) == []
    watcher.take(3)
    (target,) = watcher.take(5)
    assert sorted(names(list(target.iterdir()))) == ["1.dng", "2.dng"]
    assert list(FOLDER.iterdir()) == []


def test_a_set_that_cannot_be_moved_stops_no_other(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(entry: Path, target: Path) -> None:
        if entry.name == "closed":
            raise PermissionError(errno.EACCES, "Permission denied", str(entry))
        moving.move(entry, target)

    monkeypatch.setattr(watch, "move", refuse)
    for name in ("closed", "zoo"):
        write(FOLDER / name / "1.dng")
    watcher = Watcher(FOLDER, quiet_s=1)
    with caplog.at_level("INFO", logger="flows"):
        watcher.take(0)
        assert names(watcher.take(2)) == ["zoo"]
        watcher.take(3)
    assert caplog.text.count("Permission denied") == 1


def test_a_photo_newer_than_one_that_was_being_gathered_is_not_written_over() -> None:
    write(FOLDER / ".gathering/IMG_1.dng", "of before")
    write(FOLDER / ".gathering/IMG_2.dng", "of before, too")
    write(FOLDER / "IMG_1.dng", "of now")
    watcher = Watcher(FOLDER, quiet_s=1)
    watcher.take(0)
    (target,) = watcher.take(2)
    found = {path.name: path.read_text() for path in target.iterdir()}
    assert (found["IMG_1.dng"], found["IMG_2.dng"]) == ("of now", "of before, too")
    assert sorted(found.values()) == ["of before", "of before, too", "of now"]
    assert all(name.endswith(".dng") for name in found)


def test_what_waits_in_the_inbox_is_not_written_over() -> None:
    for content in ("one", "two", "three"):
        write(FOLDER / "hall.hdr", content)
        watcher = Watcher(FOLDER, quiet_s=1)
        watcher.take(0)
        watcher.take(2)
    assert sorted(path.read_text() for path in INBOX.iterdir()) == ["one", "three", "two"]
    with pytest.raises(FileExistsError):
        moving.move(write(FOLDER / "hall.hdr"), INBOX / "hall.hdr")
