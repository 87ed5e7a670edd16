"""One odd entry of the inbox costs itself alone, and nothing of anyone's is touched: neither read nor written."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.inboxes import during_the_check, photos, reason, taken
from support.projects import ROOT, run_dvc

from deepfuse.errors import BracketError
from deepfuse.grouping import find_brackets
from deepfuse.photo.limits import DEFAULT_LIMITS
from flows import checking, inbox, pipeline, retrain, sets
from flows.inbox import INBOX, RAW, take_arrivals
from flows.logs import log
from flows.quarantine import QUARANTINE

Make = Callable[[Path], object]

pytestmark = pytest.mark.usefixtures("in_folder")


def listen(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(path))


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


@pytest.mark.parametrize("name", [".dvcignore", ".dvc", "old.dvc", "dvc.yaml", ".git", "mlruns"])
@pytest.mark.usefixtures("unread")
def test_what_dvc_reads_as_its_own_is_refused(name: str) -> None:
    (photos(INBOX / "odd", 10, 200) / name).write_text("*\n")
    photos(INBOX / "zoo", 30, 90)
    assert taken() == {"odd": "refused", "zoo": "accepted"}
    assert name in reason("odd")


def test_a_set_of_a_name_that_dvc_leaves_out_here_is_refused() -> None:
    for pattern in (ROOT / ".dvcignore").read_text().split():
        folder = photos(Path(pattern.rstrip("/")), 10)
        with pytest.raises(sets.BracketError, match="leaves out"):
            sets.check_files(folder, most_bytes=1e9)


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


@pytest.mark.usefixtures("unread")
def test_names_reach_no_log_and_no_record_as_they_are() -> None:
    photos(INBOX / "a\x1b[31m\nb", 10, 200)
    (photos(INBOX / "odd\x9b", 10) / "x\x1b").symlink_to("nowhere")
    (INBOX / os.fsdecode(b"latin\xe9")).mkdir()
    photos(INBOX, 10)
    (INBOX / "0.png").rename(INBOX / "\x07.png")
    arrivals = take_arrivals({})
    assert sorted(arrival.status for arrival in arrivals) == ["accepted", "refused", "refused", "waiting"]
    records = [path.read_text() for path in QUARANTINE.glob("*/reason.json")]
    assert len(records) == 2
    text = "".join([*records, *(f"{one.name} {one.detail}" for one in arrivals)])
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff]", text)


@pytest.mark.parametrize(
    ("first", "second"),
    [("paris", "paris__tower"), ("paris__tower", "paris"), ("paris", "paris_"), ("paris", "paris__tower__top")],
)
@pytest.mark.usefixtures("unread")
def test_two_sets_whose_scenes_could_have_one_id_are_kept_apart(first: str, second: str) -> None:
    inner = {"paris": "tower", "paris_": "x"}
    for name, level in ((first, 10), (second, 20)):
        photos(INBOX / name / inner.get(name, "."), level, level + 190)
        assert list(taken().values()) == ["accepted"]
    photos(RAW / first / "_x", 40, 200)
    assert len({group.bracket.scene for group in find_brackets(RAW).groups}) == 3
    assert (RAW / first).is_dir()
    renamed = next(path.name for path in RAW.iterdir() if path.name != first)
    assert re.fullmatch(re.escape(second.replace("__", "_")) + "-[0-9a-f]{8}", renamed)


@pytest.mark.usefixtures("unread")
def test_a_name_as_long_as_a_name_can_be_gets_its_hash_and_its_record() -> None:
    name = "é" * 127
    for level in (10, 20, 10):
        photos(INBOX / name, level, 200)
        take_arrivals({})
    assert len(list(RAW.iterdir())) == 2
    assert len(list((QUARANTINE / "duplicates").iterdir())) == 1
    assert list(INBOX.iterdir()) == []


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


@pytest.mark.usefixtures("unread")
def test_dvc_records_every_file_of_what_was_taken(tmp_path: Path) -> None:
    run_dvc(tmp_path, "init", "--no-scm", "-q")
    names = [
        "a\nb.png",
        "a\\b.png",
        " x\x1b.png",
        "#.png",
        ".gitignore",
        "[z].png",
        "é.png",
        ".hidden/.x",
        "paris__.png",
    ]
    for name in names:
        path = INBOX / "odd" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    assert taken() == {"odd": "accepted"}
    run_dvc(tmp_path, "add", "data/raw")
    assert f"nfiles: {len(names)}" in Path("data/raw.dvc").read_text()


def test_a_log_is_given_nothing_that_commands_a_terminal(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", logger="flows"):
        log("%s: %s: %d", Path("a\x1b[31m\nb"), "tab\tbed", 3)
    assert caplog.messages == ["a␛[31m␊b: tab     bed: 3"]
