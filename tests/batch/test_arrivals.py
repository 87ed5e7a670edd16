"""Brackets that are fused as they arrive: when, under which names, and what becomes of what was made too early."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from support.arrivals import Watched, batch, put
from support.batches import record, shoot

from deepfuse.batch import Batch, Outcome, Pace, run
from deepfuse.batch.arrivals import is_closed, states_below
from deepfuse.bracket import BracketFiles
from deepfuse.grouping import Group
from deepfuse.photo import write_photo


def test_a_set_is_made_when_nothing_changes_any_more(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, out = tmp_path / "card", tmp_path / "out"
    put(source, "a", 1, (0, 1))
    watched = Watched(source, out)
    assert watched.look() == []
    watched.now_s = 2
    put(source, "a", 1, (2,))
    assert watched.look() == []
    watched.now_s = 4
    assert watched.look() == [], "the last frame is two seconds old"
    watched.now_s = 5
    assert watched.look() == [("made", "card")]
    assert len(record(out, "card")["inputs"]) == 3
    assert 'href="card.png"' in (out / "index.html").read_text()
    watched.now_s = 6
    assert watched.look() == []
    assert batch(source, out, capsys)["finished"] == ["card"]
    assert Watched(source, out).settled() == [("finished", "")]


def test_pictures_of_a_card_that_is_gone_stay_and_the_card_is_waited_for(tmp_path: Path) -> None:
    source, out = tmp_path / "card", tmp_path / "out"
    put(source, "a", 1)
    watched = Watched(source, out)
    watched.settled()
    source.rename(tmp_path / "elsewhere")
    assert watched.look() == [("waiting", "")]
    assert watched.watch.trouble == f"{source}: No such file or directory"
    assert watched.look() == [], "it is said once"
    (tmp_path / "elsewhere").rename(source)
    put(source, "b", 2)
    assert watched.settled() == [("renamed", "a0"), ("made", "b0")]
    assert not watched.watch.trouble


@pytest.mark.parametrize("seen", [True, False])
def test_a_set_whose_card_is_pulled_out_while_it_is_made_is_made_when_that_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seen: bool
) -> None:
    source, out = tmp_path / "card", tmp_path / "out"
    put(source, "a", 1)
    watched = Watched(source, out)

    def pulled_out(batch: Batch, pace: Pace) -> Iterator[Outcome]:
        source.rename(tmp_path / "elsewhere")
        yield from run(batch, pace)

    monkeypatch.setattr("deepfuse.batch.watch.run", pulled_out)
    assert watched.settled() == []
    monkeypatch.undo()
    if seen:
        assert watched.settled() == [("waiting", "")]
    (tmp_path / "elsewhere").rename(source)
    assert watched.settled() == [("made", "card")]


def test_a_bad_set_is_told_once_and_tried_again_when_its_files_change(tmp_path: Path) -> None:
    source, out = tmp_path / "card", tmp_path / "out"
    files = shoot(source / "barn", 1)
    good = files[1].read_bytes()
    files[1].write_bytes(b"no picture")
    watched = Watched(source, out)
    assert watched.settled() == [("failed", "barn")]
    shoot(source / "cave", 2)
    assert watched.settled() == [("made", "cave")]
    files[1].write_bytes(good)
    assert watched.settled() == [("made", "barn")]


def test_another_batch_at_work_is_waited_for(tmp_path: Path) -> None:
    from deepfuse.batch import sole_batch

    source, out = tmp_path / "card", tmp_path / "out"
    put(source, "a", 1)
    watched = Watched(source, out)
    with sole_batch(out):
        assert watched.settled() == [("waiting", "")]
    assert watched.look() == [("made", "card")]


def group(*names: str, folder: str = "x") -> Group:
    return Group(BracketFiles(names[0], tuple(Path(folder, f"{name}.jpg") for name in names)), "ladder", "")


@pytest.mark.parametrize(
    ("arriving", "closed"),
    [
        ([], True),
        (["y/IMG_1.jpg"], True),
        (["x/IMG_10.jpg"], False),
        (["x/IMG_13.jpg"], True),
        (["x/IMG_3.jpg", "x/IMG_13.jpg"], False),
    ],
)
def test_a_set_is_closed_when_the_next_one_is_there(arriving: list[str], closed: bool) -> None:
    first, second = group("IMG_7", "IMG_8", "IMG_9"), group("IMG_10", "IMG_11", "IMG_12")
    assert is_closed(first, [first, second], [*map(Path, arriving)]) is closed


def test_the_last_set_of_a_folder_waits_for_what_arrives(tmp_path: Path) -> None:
    first, other = group("IMG_7", "IMG_8"), group("IMG_9", "IMG_10", folder="y")
    assert not is_closed(first, [first, other], [Path("x/IMG_20.jpg")])


def test_a_photo_changes_with_its_xmp_file(tmp_path: Path) -> None:
    photo = tmp_path / "a.png"
    write_photo(photo, np.zeros((4, 4, 3), np.uint8))
    seen = [states_below(tmp_path)]
    for name in ("a.xmp", "a.png.xmp"):
        (tmp_path / name).write_text("<x/>")
        seen.append(states_below(tmp_path))
    assert all(list(one) == [photo] for one in seen)
    assert len({one[photo] for one in seen}) == 3
    (tmp_path / "b.xmp").write_text("<x/>")
    assert states_below(tmp_path) == seen[-1]
    os.utime(photo, ns=(1, 1))
    assert states_below(tmp_path) != seen[-1]
