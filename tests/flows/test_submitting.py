"""What is submitted by hand reaches the inbox as sets, or not at all."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from support.cards import FOLDER, MOST_BYTES, names, write

from deepfuse.errors import BracketError
from flows import arrivals
from flows.inbox import INBOX

pytestmark = pytest.mark.usefixtures("card")
submit = partial(arrivals.submit, most_bytes=MOST_BYTES)


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
