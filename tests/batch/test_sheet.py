"""The contact sheet and the table: what they show, in which order, and what they never overwrite."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.batches import job, shoot

from deepfuse.batch import Outcome, fuse_set, write_sheet
from deepfuse.batch.entries import Entry
from deepfuse.batch.record import content_of, name_below
from deepfuse.batch.sheet import COLUMNS, table
from deepfuse.batch.thumbnails import thumbnail_file
from deepfuse.cli import batch as batch_command
from deepfuse.cli import main
from deepfuse.photo import read_header, write_photo

ODD = '<i>=odd & "quoted" 100%'


class Seen(HTMLParser):
    """The words and addresses of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1] != "style" and data.strip():
            self.words.append(data.strip())


def keep(out: Path, scene: str, *, picture: str = "", **values: Any) -> Path:
    """A picture and its record, or the record of a failure."""
    path = out / (picture or f"{scene}.png")
    (out / ".deepfuse").mkdir(parents=True, exist_ok=True)
    record = {"set": scene, "status": "done", "key": {}, "inputs": [], "files": ["1", "2"], "output": None, **values}
    if record["status"] == "done":
        path.parent.mkdir(exist_ok=True)
        write_photo(path, np.full((40, 60, 3), 90, np.uint8))
        record["output"] = vars(content_of(path)) | {"file": name_below(out, path)}
        small = thumbnail_file(out, scene)
        small.parent.mkdir(exist_ok=True)
        small.touch()
        os.utime(small, (2e9, 2e9))  # newer than its picture, whatever becomes of that
    (out / f".deepfuse/{scene}.json").write_text(json.dumps(record))
    return path


def rows(out: Path) -> list[dict[str, str]]:
    with (out / "index.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_what_needs_care_comes_first_and_every_name_is_escaped(tmp_path: Path) -> None:
    keep(tmp_path, "calm", alignment={"kept_area": 0.99}, deghosting={"share": 0.01}, seconds={"read": 1, "fuse": 0.5},
         width=6000, height=4000, mef_ssim=0.981)  # fmt: skip
    keep(tmp_path, ODD, picture=f"{ODD}.png", warnings=["<b>8 bits</b>"])
    keep(tmp_path, "cut", picture="day1/cut.png", alignment={"kept_area": 0.7}, deghosting={"share": 0.2},
         measures={"clipped_share": 0.1, "mef_ssim": 0.9})  # fmt: skip
    keep(tmp_path, "bad", status="failed", reason="=cannot be laid")
    written, notes = write_sheet(tmp_path, {"bad"}, [Outcome("card/x.jpg", "failed", "empty")])
    assert (written, notes) == ([tmp_path / "index.html", tmp_path / "index.csv"], [])
    page = Seen((tmp_path / "index.html").read_text(encoding="utf-8"))
    titles = [
        page.words[at] for at in range(len(page.words)) if page.words[at] in ("bad", "card/x.jpg", "cut", ODD, "calm")
    ]
    assert titles == ["bad", "card/x.jpg", "cut", ODD, "calm"]
    assert {"script", "i", "b", "link"}.isdisjoint(page.tags)
    assert "warning: <b>8 bits</b>" in page.words
    facts = "2 frames · 6000 × 4000 · 1.5 s · MEF-SSIM 0.981"
    assert facts in [word.replace("\N{NO-BREAK SPACE}", " ") for word in page.words]
    assert "3 pictures, 2 refused;" in page.words
    quoted = "%3Ci%3E%3Dodd%20%26%20%22quoted%22%20100%25"
    assert page.addresses == [
        "index.csv", "day1/cut.png", ".deepfuse/thumbnails/cut.jpg", f"{quoted}.png",
        f".deepfuse/thumbnails/{quoted}.jpg", "calm.png", ".deepfuse/thumbnails/calm.jpg",
    ]  # fmt: skip
    assert [(row["set"], row["status"], row["picture"]) for row in rows(tmp_path)][1:4] == [
        ("card/x.jpg", "failed", ""), ("cut", "done", "day1/cut.png"), (ODD, "done", f"{ODD}.png"),
    ]  # fmt: skip
    cut = rows(tmp_path)[2]
    assert [cut[name] for name in ("left_after_crop", "moved", "clipped", "mef_ssim")] == [
        "0.7000",
        "0.2000",
        "0.1000",
        "0.9000",
    ]
    assert cut["care"].startswith("cropped: 70% of the picture is left; moved: 20%")


def test_a_long_reason_is_folded_and_none_of_it_lost(tmp_path: Path) -> None:
    reason = " ".join(f"word{number}" for number in range(99))
    keep(tmp_path, "bad", status="failed", reason=reason)
    write_sheet(tmp_path, {"bad"}, [])
    page = Seen((tmp_path / "index.html").read_text(encoding="utf-8"))
    at = page.words.index("bad")
    assert "details" in page.tags
    assert " ".join(page.words[at + 2 :]).replace(" … ", " ") == f"refused: {reason}"


def test_no_cell_is_a_formula() -> None:
    odd = [Entry(f"{sign}1", "failed", flags=(f"{sign}2",)) for sign in "=+-@\t"]
    lines = list(csv.reader(table(odd).removeprefix("\ufeff").splitlines()))
    assert tuple(lines[0]) == COLUMNS
    assert all(line[0].startswith("'") and line[-1].startswith("'") for line in lines[1:])


def test_a_picture_that_somebody_changed_or_removed_is_named(tmp_path: Path) -> None:
    keep(tmp_path, "retouched").write_bytes(b"theirs")
    keep(tmp_path, "gone").unlink()
    keep(tmp_path, "old").unlink()
    keep(tmp_path, "refused before", status="failed", reason="x")
    os.utime(keep(tmp_path, "touched"))
    write_sheet(tmp_path, {"retouched", "gone", "touched"}, [])
    assert [(row["set"], row["status"]) for row in rows(tmp_path)] == [
        ("gone", "gone"), ("retouched", "kept"), ("touched", "done"),
    ], "what is no set any more and has no picture is left out"  # fmt: skip
    assert rows(tmp_path)[1]["care"] == "kept: changed since it was made"


def test_somebody_elses_page_is_not_overwritten_and_ones_own_is(tmp_path: Path) -> None:
    keep(tmp_path, "barn")
    elsewhere = tmp_path / "elsewhere.html"
    (tmp_path / "index.html").write_text("<title>my site</title>")
    (tmp_path / "index.csv").symlink_to(elsewhere)
    written, notes = write_sheet(tmp_path, (), [])
    assert written == []
    assert [note.partition(":")[0] for note in notes] == ["index.html", "index.csv"]
    assert (tmp_path / "index.html").read_text() == "<title>my site</title>"
    assert not elsewhere.exists()
    (tmp_path / "index.html").unlink()
    (tmp_path / "index.csv").unlink()
    write_sheet(tmp_path, (), [])
    keep(tmp_path, "cave")
    assert len(write_sheet(tmp_path, (), [])[0]) == 2
    assert "cave" in (tmp_path / "index.html").read_text()
    assert len(rows(tmp_path)) == 2
    (tmp_path / "index.html").unlink()
    (tmp_path / "index.html").mkdir()
    assert "index.html" in write_sheet(tmp_path, (), [])[1][0]


def test_where_nothing_was_made_nothing_is_written(tmp_path: Path) -> None:
    assert write_sheet(tmp_path, {"barn"}, []) == ([], [])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("values", [{"warnings": 3}, {"seconds": {"read": "1"}}, {"width": float("nan")}, {"files": 1}])
def test_a_record_that_says_odd_things_costs_no_sheet(tmp_path: Path, values: dict[str, Any]) -> None:
    keep(tmp_path, "barn", **values)
    assert len(write_sheet(tmp_path, (), [])[0]) == 2


def test_a_set_has_a_small_picture_from_the_start_and_a_new_one_where_its_picture_is_newer(tmp_path: Path) -> None:
    one = job(tmp_path)
    out = one.output.parent
    assert fuse_set(one).status == "done"
    small = thumbnail_file(out, "barn")
    assert (read_header(small).width, read_header(small).height) == (160, 120)
    before = small.stat().st_mtime_ns
    write_sheet(out, (), [])
    assert small.stat().st_mtime_ns == before
    write_photo(one.output, np.zeros((500, 1000, 3), np.uint16))
    write_sheet(out, (), [])
    assert (read_header(small).width, read_header(small).height) == (320, 160)
    one.output.write_bytes(b"no picture")
    write_sheet(out, (), [])
    assert not small.exists()
    assert "barn.png</a>" in (out / "index.html").read_text(), "its name stands for it"


def test_the_command_writes_the_sheet_of_all_sets_also_where_one_alone_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shoot(tmp_path / "in/barn", 1)
    shoot(tmp_path / "in/cave", 2)[1].write_bytes(b"no picture")
    batch = ["batch", str(tmp_path / "in"), "-o", str(tmp_path / "out"), "-j", "1", "--no-align", "--json"]
    assert main(batch) == 1
    said = json.loads(capsys.readouterr().out)
    assert (said["sheet"], said["notes"]) == ([f"{tmp_path}/out/index.html", f"{tmp_path}/out/index.csv"], [])
    (tmp_path / "out/index.html").write_text("mine")
    assert main([*batch, "--only", "barn"]) == 0
    assert json.loads(capsys.readouterr().out)["notes"] == [
        "index.html: a file that no batch wrote has this name, and stays"
    ]
    assert [row["set"] for row in rows(tmp_path / "out")] == ["cave", "barn"]
    (tmp_path / "out/index.csv").unlink()
    monkeypatch.setattr(batch_command, "_worked_off", interrupted)
    assert main([*batch, "--only", "barn"]) == 130
    assert [row["set"] for row in rows(tmp_path / "out")] == ["cave", "barn"], "also where somebody interrupts it"


def interrupted(*arguments: Any) -> Any:
    raise KeyboardInterrupt
