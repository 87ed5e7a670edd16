"""When a set in a watched folder counts as complete, and how submitted files reach the inbox."""

from __future__ import annotations

import errno
import os
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from deepfuse.errors import BracketError
from flows import arrivals, moving, watch
from flows.inbox import INBOX
from flows.watch import Watcher as AnyWatcher

FOLDER = Path("card")
MOST_BYTES = 1e6
Watcher = partial(AnyWatcher, most_bytes=MOST_BYTES)
submit = partial(arrivals.submit, most_bytes=MOST_BYTES)


@pytest.fixture(autouse=True)
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    FOLDER.mkdir()


def write(path: Path, content: str = "pixels") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def names(paths: list[Path]) -> list[str]:
    return [path.name for path in paths]


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


def test_what_is_submitted_is_copied_as_sets() -> None:
    beach = write(FOLDER / "beach/1.dng").parent
    hall, one, two = (write(FOLDER / name, name) for name in ("hall.hdr", "a.jpg", "b.jpg"))
    targets = submit([beach, hall, one, two])
    assert names(targets) == ["beach", "hall.hdr", "a"]
    assert sorted(names(list((INBOX / "a").iterdir()))) == ["a.jpg", "b.jpg"]
    assert beach.exists()
    assert submit([beach]) == [INBOX / "beach"]  # it waits there already
    write(beach / "1.dng", "others")
    assert submit([beach])[0].name.startswith("beach-")


def test_what_is_missing_or_half_copied_is_not_submitted() -> None:
    with pytest.raises(BracketError, match="got nothing"):
        submit([FOLDER / "absent"])
    write(FOLDER / "beach/1.dng.part")
    with pytest.raises(BracketError, match="still being copied"):
        submit([FOLDER / "beach"])
    assert not INBOX.exists()


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    return write(tmp_path / "theirs/id_rsa", "PRIVATE KEY")


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


ODD: dict[str, Any] = {
    "a link to a file": (lambda path, secret: path.symlink_to(secret), "got a link"),
    "a link to a folder": (lambda path, secret: path.symlink_to(secret.parent), "got a link"),
    "a looping link": (lambda path, _: path.symlink_to(path.name), "got a link"),
    "a named pipe": (lambda path, _: os.mkfifo(path), "got a named pipe"),
    "a hollow file": (lambda path, _: os.truncate(write(path), 50_000_000_000), "got 50.0 GB"),
}


@pytest.mark.parametrize("place", ["beach/2.dng", "2.dng", "beach/inner/2.dng"])
@pytest.mark.parametrize("kind", ODD)
def test_what_is_no_file_is_not_submitted(kind: str, place: str, secret: Path) -> None:
    make, expected = ODD[kind]
    write(FOLDER / "beach/inner/1.dng")
    make(FOLDER / place, secret)
    named = [FOLDER / "beach"] if "/" in place else [FOLDER / "beach", FOLDER / place]
    with pytest.raises(BracketError, match=expected):
        submit(named)
    assert not INBOX.exists()


def test_what_would_be_lost_or_endless_is_not_submitted() -> None:
    for folder in ("a", "b"):
        write(FOLDER / folder / "1.dng", folder)
    with pytest.raises(BracketError, match=r"different names in one set, got several of 1\.dng"):
        submit([FOLDER / "a/1.dng", FOLDER / "b/1.dng"])
    for path in (Path(), Path("data"), Path("/"), Path("data/..")):
        INBOX.mkdir(parents=True, exist_ok=True)
        with pytest.raises(BracketError, match="outside of data/inbox"):
            arrivals._check_place(path)
    write(FOLDER / ".hidden/1.dng")
    with pytest.raises(BracketError, match="expected a visible name"):
        submit([FOLDER / ".hidden"])
    assert list(INBOX.iterdir()) == []
