"""Brackets that are fused as they arrive: when, under which names, and what becomes of what was made too early."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from support.batches import record, shoot, state

from deepfuse.batch import Arrivals, Batch, Making, Outcome, Pace, Watch, run
from deepfuse.batch.arrivals import is_closed, states_below
from deepfuse.bracket import BracketFiles
from deepfuse.cli import main
from deepfuse.grouping import Group, Grouping, find_brackets
from deepfuse.job.options import FuseOptions
from deepfuse.model import SHIPPED, weights_sha256
from deepfuse.photo import DEFAULT_LIMITS, write_photo
from deepfuse.photo.isolated import Onlooker, ThisProcess

SETTLE_S = 3.0
BATCH = ["--format", "png", "--no-align", "--no-deghost", "--jobs", "1", "--json"]


class Watched:
    """A watch with a clock of its own."""

    def __init__(self, source: Path, output: Path) -> None:
        output.mkdir(exist_ok=True)
        self.now_s = 0.0
        making = Making(
            output=output,
            format="png",
            options=FuseOptions(align=False, deghost=False),
            model=SHIPPED,
            model_name="shipped",
            model_sha256=weights_sha256(SHIPPED),
        )

        def find(taken: object) -> Grouping:
            return find_brackets(source, taken=taken, looks=Onlooker(ThisProcess(), DEFAULT_LIMITS))  # type: ignore[arg-type]

        def jobs(found: Grouping) -> list[object]:
            return [
                making.job(one.bracket.scene, one.bracket.files, evidence=one.evidence, why=one.why, warnings=())
                for one in found.groups
            ]

        self.watch = Watch(Arrivals(source, find, SETTLE_S), jobs, output, Pace(1, 300))  # type: ignore[arg-type]

    def look(self) -> list[tuple[str, str]]:
        return [(event.kind, event.scene) for event in self.watch.step(self.now_s)]

    def settled(self) -> list[tuple[str, str]]:
        """What happens by the time at which all that is there has settled."""
        before = self.look()
        self.now_s += SETTLE_S
        return before + self.look()


def put(folder: Path, name: str, seed: int, frames: Sequence[int] = (0, 1, 2)) -> None:
    """Frames of a bracket arrive, as NAME0.png and so on."""
    made = folder.parent / f"{name}{seed}"
    files = shoot(made, seed)
    folder.mkdir(exist_ok=True)
    for index in frames:
        shutil.copy(files[index], folder / f"{name}{index}.png")
    shutil.rmtree(made)


def batch(source: Path, output: Path, capsys: pytest.CaptureFixture[str], *more: str) -> dict[str, list[str]]:
    capsys.readouterr()
    main(["batch", str(source), "-o", str(output), *BATCH, *more])
    said: dict[str, list[str]] = json.loads(capsys.readouterr().out)
    return said


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


def test_a_set_that_got_another_id_keeps_its_picture_under_the_new_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, out = tmp_path / "card", tmp_path / "out"
    put(source, "a", 1)
    watched = Watched(source, out)
    assert watched.settled() == [("made", "card")]
    picture = state(out)["card.png"]
    put(source, "b", 2)
    assert watched.settled() == [("renamed", "a0"), ("made", "b0")]
    assert set(state(out)) == {"a0.png", "b0.png"}
    assert state(out)["a0.png"] == picture
    for kept in ("*.json", "thumbnails/*.jpg"):
        assert sorted(path.stem for path in (out / ".deepfuse").glob(kept)) == ["a0", "b0"]
    assert batch(source, out, capsys)["finished"] == ["a0", "b0"]


def test_a_batch_too_gives_it_its_name_also_one_of_a_template(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, out, named = tmp_path / "card", tmp_path / "out", tmp_path / "named"
    put(source, "a", 1)
    for folder, name in ((out, "{set}"), (named, "{stem}_fused")):
        assert batch(source, folder, capsys, "--name", name)["done"] == ["card"]
    before = state(out)["card.png"], state(named)["a0_fused.png"]
    put(source, "b", 2)
    for folder, name in ((out, "{set}"), (named, "{stem}_fused")):
        said = batch(source, folder, capsys, "--name", name)
        assert (said["finished"], said["done"]) == (["a0"], ["b0"])
    assert set(state(out)) == {"a0.png", "b0.png"}
    assert set(state(named)) == {"a0_fused.png", "b0_fused.png"}
    assert (state(out)["a0.png"], state(named)["a0_fused.png"]) == before


def test_a_set_that_was_made_of_a_part_is_made_anew_and_nothing_of_the_part_stays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, out = tmp_path / "card", tmp_path / "out"
    put(source, "a", 1)
    put(source, "b", 2, (1, 2))
    watched = Watched(source, out)
    assert watched.settled() == [("made", "a0"), ("made", "b1")]
    put(source, "b", 2, (0,))
    assert watched.settled() == [("made", "b0"), ("removed", "b1")]
    assert set(state(out)) == {"a0.png", "b0.png"}
    assert sorted(path.stem for path in (out / ".deepfuse/thumbnails").iterdir()) == ["a0", "b0"]
    assert len(record(out, "b0")["inputs"]) == 3
    assert batch(source, out, capsys)["finished"] == ["a0", "b0"]


def test_a_picture_of_a_part_that_somebody_changed_stays(tmp_path: Path) -> None:
    source, out = tmp_path / "card", tmp_path / "out"
    put(source, "a", 1)
    put(source, "b", 2, (1, 2))
    watched = Watched(source, out)
    watched.settled()
    (out / "b1.png").write_bytes(b"retouched")
    put(source, "b", 2, (0,))
    assert watched.settled() == [("made", "b0"), ("removed", "b1"), ("kept", "b1")]
    assert (out / "b1.png").read_bytes() == b"retouched"


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
