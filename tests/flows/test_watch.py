"""When a set in a watched folder counts as complete, and how submitted files reach the inbox."""

from __future__ import annotations

from pathlib import Path

import pytest

from deepfuse.errors import BracketError
from flows.arrivals import submit
from flows.inbox import INBOX
from flows.watch import Watcher

FOLDER = Path("card")


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
