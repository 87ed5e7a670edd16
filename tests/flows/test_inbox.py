"""What becomes of the sets in the inbox: taken, known already, refused or not yet complete."""

from __future__ import annotations

import errno
import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest
from support.inboxes import photos, taken

from deepfuse.photo import DEFAULT_LIMITS, isolated, write_photo
from deepfuse.simulation.camera import write_radiance
from flows import checking, inbox, moving, sets
from flows.inbox import INBOX, RAW, Arrival, take_arrivals
from flows.quarantine import QUARANTINE

pytestmark = pytest.mark.usefixtures("in_folder")


def test_a_folder_and_a_radiance_map_are_taken_whole() -> None:
    photos(INBOX / "beach", 10, 200)
    write_radiance(INBOX / "hall.hdr", np.ones((8, 8, 3), np.float32))
    assert taken() == {"beach": "accepted", "hall.hdr": "accepted"}
    assert sorted(path.name for path in (RAW / "beach").iterdir()) == ["0.png", "1.png"]
    assert (RAW / "hall.hdr").is_file()
    assert list(INBOX.iterdir()) == []


def test_the_same_photos_are_known_under_any_name_and_the_same_name_is_no_reason() -> None:
    photos(INBOX / "beach", 10, 200)
    take_arrivals({})
    photos(INBOX / "copy of beach", 10, 200)
    photos(INBOX / "beach", 20, 220)
    (other, statuses) = (sorted(take_arrivals({}), key=lambda arrival: arrival.status), "accepted duplicate")
    assert " ".join(arrival.status for arrival in other) == statuses
    assert other[0].name.startswith("beach-")
    assert len(list(RAW.iterdir())) == 2
    assert list(INBOX.iterdir()) == []
    record = json.loads((QUARANTINE / "duplicates/copy of beach.json").read_text())
    assert record["same_as"] == "data/raw/beach"


def test_two_equal_sets_that_arrive_together_are_one() -> None:
    photos(INBOX / "a", 10, 200)
    photos(INBOX / "b", 10, 200)
    assert taken() == {"a": "accepted", "b": "duplicate"}


def test_a_duplicate_of_a_bracket_that_changed_on_the_disk_is_not_dropped() -> None:
    photos(INBOX / "beach", 10, 200)
    take_arrivals({})
    known = {path: sets.file_md5(path) for path in sets.files_of(RAW / "beach")}
    (RAW / "beach/0.png").write_bytes(b"damaged")
    photos(INBOX / "beach", 10, 200)
    assert [arrival.status for arrival in take_arrivals(known)] == ["accepted"]


def test_a_bad_set_goes_to_quarantine_with_its_reason_and_stops_no_other() -> None:
    photos(INBOX / "cut", 10, 200)
    (INBOX / "cut/1.png").write_bytes((INBOX / "cut/1.png").read_bytes()[:40])
    (INBOX / "empty").mkdir()
    photos(INBOX / "good", 30, 90)
    photos(INBOX / "single", 10)
    assert taken() == {"cut": "refused", "empty": "refused", "good": "accepted", "single": "refused"}
    assert "1.png" in json.loads((QUARANTINE / "cut/reason.json").read_text())["reason"]
    for name, count in (("empty", 0), ("single", 1)):
        reason = json.loads((QUARANTINE / name / "reason.json").read_text())["reason"]
        assert f"expected 2 or more photos or a radiance map, got {count}" in reason
    assert [path.name for path in RAW.iterdir()] == ["good"]


def test_a_set_that_was_repaired_is_taken_without_its_old_reason() -> None:
    photos(INBOX / "lone", 10)
    take_arrivals({})
    photos(QUARANTINE / "lone", 10, 200)
    (QUARANTINE / "lone").rename(INBOX / "lone")
    assert taken() == {"lone": "accepted"}
    assert not (RAW / "lone/reason.json").exists()


@pytest.mark.parametrize("name", [".0.png.aB3dE6", ".~tmp~", "1.png.part", "x.tmp"])
def test_a_set_with_a_file_on_its_way_waits(name: str) -> None:
    (photos(INBOX / "beach", 10, 200) / name).write_bytes(b"half")
    assert taken() == {"beach": "waiting"}
    assert (INBOX / "beach/0.png").exists()


def test_a_set_that_grows_while_it_is_looked_at_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    photos(INBOX / "beach", 10, 200)
    monkeypatch.setattr(inbox.time, "sleep", lambda _: photos(INBOX / "beach", 10, 200, 250))
    assert taken() == {"beach": "waiting"}
    monkeypatch.setattr(inbox.time, "sleep", lambda _: None)
    assert taken() == {"beach": "accepted"}


def test_what_a_killed_run_was_deleting_or_copying_is_no_set() -> None:
    photos(INBOX / ".0123456789ab_4194305", 10)
    photos(RAW / ".ba9876543210_4194305", 10)
    assert taken() == {}
    assert [*INBOX.iterdir(), *RAW.iterdir()] == []


def test_loose_photos_are_named_and_left() -> None:
    photos(INBOX, 10, 200)
    assert taken() == {"0.png": "waiting", "1.png": "waiting"}


def test_across_file_systems_a_set_is_never_half_there(monkeypatch: pytest.MonkeyPatch) -> None:
    photos(INBOX / "beach", 10, 200)
    rename = Path.rename

    def refuse(path: Path, target: Path) -> Path:
        if target.parent == RAW and path.parent == INBOX:
            raise OSError(errno.EXDEV, "another file system")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with monkeypatch.context() as full:
        full.setattr(moving.os, "fsync", lambda _: (_ for _ in ()).throw(OSError(errno.ENOSPC, "no space")))
        (arrival,) = take_arrivals({})
    assert arrival == Arrival("beach", "waiting", arrival.detail)
    assert "no space" in arrival.detail
    assert sets.find_sets(RAW) == []
    assert taken() == {"beach": "accepted"}
    assert [path.name for path in RAW.iterdir()] == ["beach"]
    assert list(INBOX.iterdir()) == []


def crash(entry: Path, limits: object) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def test_a_set_that_crashes_its_decoder_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    photos(INBOX / "beach", 10, 200)
    monkeypatch.setattr(checking, "reason_against", crash)
    assert taken() == {"beach": "refused"}
    assert "SIGSEGV" in json.loads((QUARANTINE / "beach/reason.json").read_text())["reason"]


def test_a_set_is_read_in_the_process_that_checks_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Which stays for the next set; one more for each took most of the time."""
    monkeypatch.setattr(isolated, "Resident", None)
    entry = tmp_path / "beach"
    entry.mkdir()
    light = np.random.default_rng(0).random((90, 120, 3), np.float32)
    for name, gain in (("dark", 0.3), ("bright", 0.9)):
        write_photo(entry / f"{name}.png", gain * light)
    assert checking.reason_against(entry, DEFAULT_LIMITS) is None
    (entry / "bright.png").write_bytes((entry / "bright.png").read_bytes()[:900])
    assert "bright.png" in (checking.reason_against(entry, DEFAULT_LIMITS) or "")
