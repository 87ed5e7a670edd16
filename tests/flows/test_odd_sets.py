"""What stands in the inbox and is no file: refused by its name, neither read nor written, and stopping no other set."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.inboxes import listen, photos, reason, taken
from support.projects import ROOT

from deepfuse.errors import BracketError
from flows import pipeline, retrain, sets
from flows.inbox import INBOX, RAW, take_arrivals
from flows.quarantine import QUARANTINE

Make = Callable[[Path], object]
pytestmark = pytest.mark.usefixtures("in_folder")


def hollow(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(50_000_000_000)


ODD: dict[str, tuple[Make, str]] = {
    "looping link": (lambda path: path.symlink_to(path.name), "got a link"),
    "link into the void": (lambda path: path.symlink_to("nowhere"), "got a link"),
    "link to a file": (lambda path: path.symlink_to(Path("params.yaml").resolve()), "got a link"),
    "link to its folder": (lambda path: path.symlink_to(path.parent.resolve()), "got a link"),
    "named pipe": (os.mkfifo, "got a named pipe"),
    "socket": (listen, "got a socket"),
    "hollow file": (hollow, "expected at most 2 GB, got 50.0 GB"),
}


@pytest.mark.usefixtures("unread")
@pytest.mark.parametrize("name", ["2.png", "notes.txt", ".hidden"])
@pytest.mark.parametrize("kind", ODD)
def test_a_set_with_what_is_no_file_is_refused_by_its_name_and_stops_no_other(kind: str, name: str) -> None:
    make, expected = ODD[kind]
    make(photos(INBOX / "odd/inner", 10, 200) / name)
    photos(INBOX / "zoo", 30, 90)
    assert taken() == {"odd": "refused", "zoo": "accepted"}
    assert expected in reason("odd")
    assert name in reason("odd")
    assert [path.name for path in RAW.iterdir()] == ["zoo"]
    assert os.path.lexists(QUARANTINE / "odd/inner" / name)


def test_a_device_is_refused_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """To make one takes rights: `/dev/null` is looked at where it is."""
    with pytest.raises(sets.BracketError, match="/dev/null: expected a file, got a device"):
        sets.check_files(Path("/dev/null"), most_bytes=1e9)


@pytest.mark.parametrize("target", ["nowhere", "loop", "../../theirs", "../../theirs/0.png"])
def test_a_set_that_is_a_link_is_refused_and_its_target_left_alone(target: str, tmp_path: Path) -> None:
    theirs = photos(tmp_path / "theirs", 10, 200)
    before = sets.state_of(theirs)
    (INBOX / "loop").symlink_to(target)
    assert taken() == {"loop": "refused"}
    assert sets.state_of(theirs) == before
    assert (QUARANTINE / "loop").is_symlink()
    assert "loop: expected a file, got a link" in (QUARANTINE / "loop.reason.json").read_text()
    (INBOX / "loop").symlink_to(target)
    assert list(taken().values()) == ["refused"]  # under another name, beside the first
    assert len([path for path in QUARANTINE.iterdir() if path.is_symlink()]) == 2


@pytest.mark.parametrize("call", ["scandir", "stat"])
@pytest.mark.usefixtures("unread")
def test_a_folder_that_cannot_be_entered_waits_and_stops_no_other(call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of another user, who lets nobody list it, or list but not enter; root may do both, so the refusal is made."""
    closed = photos(INBOX / "closed/inner", 10, 200)
    photos(INBOX / "zoo", 30, 90)
    scandir = os.scandir

    class Refusing:
        def __init__(self, item: os.DirEntry[str]) -> None:
            self.path = item.path

        def stat(self, *, follow_symlinks: bool) -> os.stat_result:
            raise PermissionError(13, "Permission denied", self.path)

    class Listing(list[Refusing]):
        def __enter__(self) -> Listing:
            return self

        def __exit__(self, *_: object) -> None: ...

    def refuse(path: Any = ".") -> Any:
        if path == closed and call == "scandir":
            raise PermissionError(13, "Permission denied", str(path))
        return Listing(map(Refusing, scandir(path))) if path == closed else scandir(path)

    monkeypatch.setattr(sets.os, "scandir", refuse)
    found = {arrival.name: (arrival.status, arrival.detail) for arrival in take_arrivals({})}
    assert found["zoo"][0] == "accepted"
    assert found["closed"][0] == "waiting"
    assert "Permission denied: data/inbox/closed/inner" in found["closed"][1]


def test_only_a_file_is_opened(tmp_path: Path) -> None:
    """By whoever has its name from a look of before."""
    listen(tmp_path / "socket")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "params.yaml")
    for name in ("socket", "pipe", "link", ".", "/dev/null"):
        with pytest.raises(OSError, match=name):
            sets.open_file(tmp_path / name)
    with sets.open_file(tmp_path / "params.yaml") as file:
        assert file.read() == (ROOT / "params.yaml").read_bytes()


@pytest.mark.parametrize("make", [os.mkfifo, listen, lambda path: path.symlink_to("/")], ids=["pipe", "socket", "link"])
@pytest.mark.parametrize("name", ["new", "old/new"])
def test_what_is_no_file_in_the_data_stops_a_run_before_dvc_waits_for_it(
    make: Make, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    params = Path("params.yaml").read_text()
    Path("params.yaml").write_text(re.sub(r"source: data/\w+", "source: data/raw", params))
    monkeypatch.setattr(pipeline, "dvc", lambda *words, **_: asked.append(words[0]))
    photos(RAW / "old", 10, 200)
    retrain.accept.fn()
    assert asked == ["add"]
    make(RAW / name)
    with pytest.raises(BracketError, match=rf"data/raw/{name}: expected a file, got a (named pipe|socket|link)"):
        retrain.accept.fn()
    assert asked == ["add"]
