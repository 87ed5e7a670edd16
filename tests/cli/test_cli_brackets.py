"""The command `deepfuse brackets`."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from PIL import Image
from support.bad_files import PICTURE, encoded
from support.bad_inputs import Corpus, add_no_files
from support.photographs import Card

from deepfuse import notes
from deepfuse.cli import main
from deepfuse.grouping import find_brackets
from deepfuse.photo.isolated import Onlooker


@pytest.fixture
def card(tmp_path: Path) -> Card:
    """Two automatic brackets and a stray."""
    card = Card(tmp_path / "card")
    card.bracket(0, -2, 2, mode=2)
    card.clock_s += 90
    card.shoot(scene=5)
    card.clock_s += 90
    card.bracket(-1, 0, 1, mode=2, scene=1)
    return card


def contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.rglob("*.jpg")
    }


def test_the_table_names_sets_exposures_evidence_and_those_left_out(
    card: Card, capsys: pytest.CaptureFixture[str]
) -> None:
    before = contents(card.folder)
    assert main(["brackets", str(card.folder)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["set", "frames", "stops", "evidence", "why"]
    assert lines[1].split()[:6] == ["IMG_0001", "3", "0", "-2.0", "+2.0", "exif"]
    assert "2 sets of 6 files; 1 photos are in none" in lines
    assert any("IMG_0004.jpg" in line for line in lines)
    assert contents(card.folder) == before


def test_json_has_every_set_and_every_photo_left_out(card: Card, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["brackets", str(card.folder), "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert [len(one["files"]) for one in record["sets"]] == [3, 3]
    assert [Path(one["file"]).name for one in record["left_out"]] == ["IMG_0004.jpg"]
    assert set(record) == {"source", "sets", "left_out"}


@pytest.mark.parametrize("copy", [False, True])
def test_sets_are_laid_out_as_a_folder_a_scene(card: Card, tmp_path: Path, copy: bool) -> None:
    before, out = contents(card.folder), tmp_path / "out"
    arguments = ["brackets", str(card.folder), "-o", str(out), *(["--copy"] if copy else [])]
    assert main([*arguments, "--dry-run"]) == 0
    assert not out.exists()
    assert main(arguments) == 0
    assert [group.bracket.scene for group in find_brackets(out).groups] == ["IMG_0001", "IMG_0005"]
    made = out / "IMG_0001/IMG_0001.jpg"
    assert made.samefile(card.folder / "IMG_0001.jpg") is not copy
    assert contents(card.folder) == before


def test_nothing_is_overwritten_and_nothing_is_put_into_the_source(
    card: Card, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / "out/IMG_0005/mine.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    assert main(["brackets", str(card.folder), "-o", str(tmp_path / "out")]) == 4
    assert "exists already" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "out").rglob("*") if path.is_file()] == ["mine.txt"]
    assert main(["brackets", str(card.folder), "-o", str(card.folder / "sets")]) == 4
    assert "outside" in capsys.readouterr().err
    assert not (card.folder / "sets").exists()


def test_the_users_count_and_every_name(card: Card, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["brackets", str(card.folder), "--frames", "7", "--verbose"]) == 0
    assert "warning: " in capsys.readouterr().out
    with pytest.raises(SystemExit) as stop:
        main(["brackets", str(card.folder), "--frames", "1"])
    assert stop.value.code == 2


def test_exit_codes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Card(tmp_path / "single").shoot()
    assert main(["brackets", str(tmp_path)]) == 3
    assert "expected 2 or more exposures" in capsys.readouterr().out
    assert main(["brackets", str(tmp_path / "absent")]) == 4
    assert "got nothing" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--copy", "--dry-run"])
def test_options_of_the_output_without_one_are_wrong_usage(
    card: Card, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["brackets", str(card.folder), option])
    assert stop.value.code == 2
    assert f"{option}: expected -o OUT with it, got none" in capsys.readouterr().err


@pytest.mark.timeout(20)
def test_pipes_sockets_devices_and_loops_are_named_and_do_not_hang(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus = Corpus(tmp_path / "cards")
    add_no_files(corpus, links=True)
    os.mkfifo(corpus.root / "queue.hdr")
    (corpus.root / "round").symlink_to(corpus.root)
    (corpus.root / "plain").mkdir()
    for name, share in (("a.png", 1), ("b.png", 4)):
        (corpus.root / "plain" / name).write_bytes(encoded(PICTURE // share, format="PNG"))
    assert main(["brackets", str(corpus.root), "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert {"plain"} <= {one["scene"] for one in record["sets"]} <= {"plain", *corpus.bad}
    said = {one["file"].removeprefix(f"{corpus.root}/"): one["why"] for one in record["left_out"]}
    for scene, (file, *words) in corpus.bad.items():
        assert all(word in said[f"{scene}/{file}"] for word in words)
    assert "expected a file, got a named pipe" in said["queue.hdr"]


def test_a_format_is_preferred_by_its_usual_spelling(card: Card, capsys: pytest.CaptureFixture[str]) -> None:
    for path in list(card.folder.iterdir()):
        with Image.open(path) as image:
            image.save(path.with_suffix(".tif"), exif=image.getexif())
    for spelled, suffix in (("JPG", ".jpg"), ("tif", ".tif")):
        assert main(["brackets", str(card.folder), "--prefer", spelled, "--json"]) == 0
        files = [Path(file) for one in json.loads(capsys.readouterr().out)["sets"] for file in one["files"]]
        assert [file.suffix for file in files] == [suffix] * 6


def test_a_photo_is_looked_at_once(card: Card, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []
    capture = Onlooker.capture
    monkeypatch.setattr(notes, "SETTLED_S", -1.0)
    monkeypatch.setattr(Onlooker, "capture", lambda self, path: looked.append(path.name) or capture(self, path))
    for cache, expected in (
        (tmp_path / "cache", 7),
        (tmp_path / "cache", 0),
        ("", 7),
        (card.folder / "IMG_0004.jpg", 7),
    ):
        monkeypatch.setenv("DEEPFUSE_CACHE", str(cache))
        looked.clear()
        assert main(["brackets", str(card.folder)]) == 0
        assert len(looked) == expected, cache
    monkeypatch.setenv("DEEPFUSE_CACHE", str(tmp_path / "cache"))
    changed = card.folder / "IMG_0004.jpg"
    changed.write_bytes(changed.read_bytes() + b" ")
    looked.clear()
    assert main(["brackets", str(card.folder)]) == 0
    assert looked == ["IMG_0004.jpg"]
