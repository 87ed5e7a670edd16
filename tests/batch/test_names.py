"""What pictures are called, and that they are called so at the next run."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.batches import job, shoot
from support.photographs import write_tags

from deepfuse.batch import Naming, check_template, fuse_set, picture_names
from deepfuse.batch.names import safe_name
from deepfuse.bracket import BracketFiles
from deepfuse.cli import main
from deepfuse.photo import write_photo


def sets(*ids: str, stem: str = "IMG_1") -> list[BracketFiles]:
    """Each of one photo, in a folder named as its id."""
    return [BracketFiles(scene, (Path("in") / scene / f"{stem}.jpg",)) for scene in ids]


def names(template: str, brackets: Iterable[BracketFiles], out: Path, *, tree: bool = False) -> dict[str, str]:
    return picture_names(Naming(template, tree), list(brackets), Path("in"), out)


def keep(out: Path, scene: str, name: str, *earlier: str) -> None:
    """A record of a picture."""
    (out / ".deepfuse").mkdir(parents=True, exist_ok=True)
    content = {"bytes": 1, "mtime_ns": 2, "sha256": "3"}
    values = {"status": "done", "key": {"output": name}, "inputs": [], "output": {"file": name, **content}}
    values |= {"earlier": [{"file": one, **content} for one in earlier]}
    (out / f".deepfuse/{scene}.json").write_text(json.dumps(values))


def test_a_template_is_filled_with_what_is_known_of_a_set(tmp_path: Path) -> None:
    photo = tmp_path / "in/Küche 1/IMG_1.jpg"
    photo.parent.mkdir(parents=True)
    write_photo(photo, np.zeros((8, 8, 3), np.uint8))
    bare = photo.with_name("bare.jpg")
    bare.write_bytes(photo.read_bytes())
    tags = {"Image.Make": "Can/on", "Image.Model": "R5", "Photo.DateTimeOriginal": "2026:05:31 23:05:59"}
    write_tags(photo, {f"Exif.{name}": value for name, value in {**tags, "Photo.OffsetTimeOriginal": "-05:00"}.items()})
    brackets = [
        BracketFiles("k", (photo,)),
        BracketFiles("b", (bare,)),
        BracketFiles("x", (photo.with_name("no.jpg"),)),
    ]
    template = "{date} {time}_{camera}_{folder}_{stem}_{set}_fused"
    made = picture_names(Naming(template), brackets, tmp_path / "in", tmp_path / "out")
    assert made == {
        "k": "2026-05-31 23-05-59_Can_on R5_Küche 1_IMG_1_k_fused",
        "b": "no-date no-time_no-camera_Küche 1_bare_b_fused",
        "x": "no-date no-time_no-camera_Küche 1_no_x_fused",
    }


@pytest.mark.parametrize("template", ["{sett}", "{set.x}", "{set:>9}", "{}", "{0}", "{set!r}"])
def test_a_field_that_is_none_is_refused_with_those_there_are(template: str) -> None:
    with pytest.raises(
        ValueError, match=re.escape("expected one of {set}, {stem}, {folder}, {date}, {time}, {camera}")
    ):
        check_template(template)


@pytest.mark.parametrize("template", ["", " .", "a/{set}", "..\\{set}", "{set"])
def test_what_is_no_name_is_refused(template: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["batch", "in", "-o", "out", "--name", template])
    assert stop.value.code == 2
    assert "argument --name: " in capsys.readouterr().err


def test_names_are_safe_everywhere() -> None:
    assert [safe_name(name) for name in ("..", "a/b\\c", "x\x1b[2J ", "COM1.tar", "=1+1")] == [
        "", "a_b_c", "x␛[2J", "_COM1.tar", "=1+1",
    ]  # fmt: skip
    assert len(safe_name("ü" * 300).encode()) < 200
    assert names("{stem}", sets("a", stem="..."), Path("out")) == {"a": "a"}


def test_sets_of_one_name_are_counted_and_keep_it_whatever_comes_later(tmp_path: Path) -> None:
    assert names("{stem}", sets("b", "a", "c"), tmp_path) == {"a": "IMG_1", "b": "IMG_1_2", "c": "IMG_1_3"}
    assert names("{stem}", [*sets("a"), *sets("b", stem="img_1")], tmp_path)["b"] == "img_1_2", "on macOS and Windows"
    keep(tmp_path, "b", "IMG_1.tif")
    keep(tmp_path, "d", "IMG_1_3.jpg")
    assert names("{stem}", sets("a", "b", "c", "d"), tmp_path) == {
        "a": "IMG_1_2", "b": "IMG_1", "c": "IMG_1_4", "d": "IMG_1_3",
    }  # fmt: skip
    assert names("{stem}", sets("a"), tmp_path) == {"a": "IMG_1_2"}, "names of sets that are gone are not taken"


def test_another_template_takes_no_name_of_what_another_set_made_before(tmp_path: Path) -> None:
    keep(tmp_path, "a", "x.tif", "IMG_1.tif")
    keep(tmp_path, "b", "y.tif")
    assert names("{stem}", [*sets("a"), *sets("b", stem="x")], tmp_path) == {"a": "IMG_1", "b": "x_2"}
    assert names("IMG", sets("b"), tmp_path) == {"b": "IMG"}


def test_pictures_lie_in_folders_as_their_photos(tmp_path: Path) -> None:
    brackets = [*sets("day1/hall", "day2/hall"), BracketFiles("top", (Path("in/IMG_1.jpg"),))]
    made = names("{folder}", brackets[:2], tmp_path, tree=True)
    assert made == {"day1/hall": "day1/hall/hall", "day2/hall": "day2/hall/hall"}
    assert names("{stem}", brackets[2:], tmp_path, tree=True) == {"top": "IMG_1"}
    keep(tmp_path, "top", "elsewhere/IMG_1.tif")
    assert names("{stem}", brackets[2:], tmp_path) == {"top": "IMG_1"}, "another folder is another name"


def test_a_set_under_another_name_is_made_again_and_nothing_is_deleted(tmp_path: Path) -> None:
    first = job(tmp_path)
    out = first.output.parent
    assert fuse_set(first).status == "done"
    deep = replace(first, output=out / "day1/hall.png", folder=out)
    (out / "day1").mkdir()
    half = out / "day1/.0123456789ab_999999999.png"
    half.touch()
    assert not deep.finished
    assert fuse_set(deep).status == "done"
    assert deep.finished
    assert not half.exists(), "of a killed process"
    assert sorted(path.name for path in out.rglob("*.*") if path.is_file()) == [
        "barn.jpg", "barn.json", "barn.png", "hall.png",
    ]  # fmt: skip
    assert fuse_set(first).status == "done", "known as its own, it may be written again"
    deep.output.write_bytes(b"retouched")
    assert fuse_set(deep).reason.startswith("day1/hall.png: changed")


def test_the_command_names_pictures_of_all_sets_as_it_does_of_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for seed, scene in enumerate(("barn", "cave")):
        shoot(tmp_path / "in/day1" / scene, seed)
    batch = ["batch", str(tmp_path / "in"), "-o", str(tmp_path / "out"), "--name", "{date}_{stem}", "--json"]
    for only in ([], ["--only", "*cave"]):
        assert main([*batch, *only, "--dry-run"]) == 0
        todo = {one["set"]: one["output"] for one in json.loads(capsys.readouterr().out)["todo"]}
        assert todo["day1__cave"] == f"{tmp_path}/out/no-date_0_2.tif"
    assert main([*batch, "--tree", "--only", "*cave", "-j", "1", "--no-align"]) == 0
    assert (tmp_path / "out/day1/cave/no-date_0.tif").is_file()
