"""`deepfuse batch`: what it makes, what it leaves alone, what it survives."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from support.batches import record, shoot, state
from support.projects import ROOT

from deepfuse.batch import sole_batch
from deepfuse.cli import main
from deepfuse.errors import DeepfuseError
from deepfuse.model import SHIPPED
from deepfuse.photo import read_photo, write_photo

SCENES = ("barn", "cave", "dune")


def test_a_set_is_made_again_in_another_look_and_not_in_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shoot(tmp_path / "in" / "barn", 1)
    batch = ["batch", str(tmp_path / "in"), "-o", str(tmp_path / "out"), "--jobs", "1", "--json"]
    for look, made in (
        ([], True),
        (["--shadows", "0.5"], True),
        (["--shadows", ".50"], False),
        (["--look", "night"], True),
        ([], True),
    ):
        assert main([*batch, *look]) == 0
        assert json.loads(capsys.readouterr().out)["done"] == ["barn"] * made
    assert record(tmp_path / "out", "barn")["controls"]["shadows"] == 0


def test_a_set_whose_masks_cannot_be_named_fails_and_the_others_are_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shoot(tmp_path / "in" / "barn", 1)
    first, *_ = shoot(tmp_path / "in" / "cave", 2)
    write_photo(first.with_name("1.tif"), read_photo(first))
    first.unlink()
    batch = ["batch", str(tmp_path / "in"), "-o", str(tmp_path / "out"), "--jobs", "1", "--save-masks", "--json"]
    assert main([*batch, "--dry-run"]) == 0
    assert len(json.loads(capsys.readouterr().out)["todo"]) == 2
    assert main(batch) == 1
    said = json.loads(capsys.readouterr().out)
    assert said["done"] == ["barn"]
    [failed] = said["failed"]
    assert failed["reason"].startswith("expected frames of different names")


def test_what_somebody_changed_is_kept_and_each_set_is_told_of_where_no_bar_is_seen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shoot(tmp_path / "in" / "barn", 1)
    shoot(tmp_path / "in" / "cave", 2)[1].write_bytes(b"no picture")
    batch = ["batch", str(tmp_path / "in"), "-o", str(tmp_path / "out"), "-j", "1", "--no-align", "--format", "png"]
    assert main(batch) == 1
    told = capsys.readouterr().err.splitlines()
    assert told[0].startswith("1/2 cave: failed: ")
    assert re.fullmatch(r"2/2 barn: done in \d+\.\d s", told[1])
    (tmp_path / "out/barn.png").write_bytes(b"retouched")
    assert main([*batch, "--only", "barn", "--dry-run"]) == 0
    why = "barn: barn.png: changed since it was made; --force makes it anew"
    assert capsys.readouterr().out.splitlines()[0] == f"kept: {why}"
    assert main([*batch, "--only", "barn", "--depth", "16"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert f"kept: {why}" in told
    assert told[-1].startswith("0 sets fused, 0 finished before, 1 kept as they were changed, 0 failed")
    assert main([*batch, "--json"]) == 1
    said = capsys.readouterr()
    assert json.loads(said.out)["kept"] == [{"set": "barn", "reason": why.removeprefix("barn: ")}]
    assert said.err == ""


def test_one_batch_at_a_time(tmp_path: Path) -> None:
    left = tmp_path / ".0123456789ab_999999999.png"
    left.touch()
    with sole_batch(tmp_path):
        assert not left.exists()
        with pytest.raises(DeepfuseError, match="this batch alone"), sole_batch(tmp_path):
            pass


@pytest.mark.parametrize("name", [".deepfuse", ".deepfuse/lock"])
def test_a_link_where_a_batch_keeps_its_own_is_not_followed(tmp_path: Path, name: str) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "lock").write_text("precious")
    (tmp_path / "out" / name).parent.mkdir(parents=True)
    (tmp_path / "out" / name).symlink_to(theirs if name == ".deepfuse" else theirs / "lock")
    with pytest.raises(DeepfuseError, match="got a link"), sole_batch(tmp_path / "out"):
        pass
    assert [path.name for path in theirs.iterdir()] == ["lock"]
    assert (theirs / "lock").read_text() == "precious"


def test_a_lock_with_another_name_elsewhere_is_not_emptied(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.write_text("precious")
    (tmp_path / "out/.deepfuse").mkdir(parents=True)
    (tmp_path / "out/.deepfuse/lock").hardlink_to(theirs)
    with sole_batch(tmp_path / "out"):
        pass
    assert theirs.read_text() == "precious"


def test_bad_sets_are_left_out_with_the_reason_and_the_others_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    shoot(source / "barn", 1)
    shoot(source / "cave", 2)[1].write_bytes(b"no picture")
    shoot(source / "cellar", 3)[0].write_bytes(b"")
    batch = ["batch", str(source), "-o", str(out), "--jobs", "1", "--depth", "16"]
    assert main([*batch, "--dry-run"]) == 0
    assert "barn.tif of 3 frames" in capsys.readouterr().out
    assert not out.exists()
    assert main([*batch, "--json", "--score"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert said["done"] == ["barn"]
    failed = {one["set"]: one["reason"] for one in said["failed"]}
    assert set(failed) == {"cave", "cellar"}
    assert "1.png: expected a RAW" in failed["cave"]
    assert {name: record(out, name)["reason"] for name in failed} == failed
    picture = read_photo(out / "barn.tif")
    assert picture.dtype == np.uint16
    assert len(np.unique(picture)) > 1000, "levels that 8 bits do not have"
    made = record(out, "barn")
    assert [one["file"] for one in made["inputs"]] == ["0.png", "1.png", "2.png"]
    assert made["inputs"][0]["sha256"] == sha256((source / "barn/0.png").read_bytes()).hexdigest()
    assert made["mef_ssim"] > 0.9
    assert len(made["alignment"]["evidence"]) == 3
    assert made["key"]["model_sha256"] == json.loads((SHIPPED / "config.json").read_text())["sha256"]
    assert set(made["seconds"]) == {"read", "align", "deghost", "fuse", "score"}
    assert main([*batch, "--score"]) == 1
    assert "0 sets fused, 1 finished before" in capsys.readouterr().out


def test_what_is_damaged_and_costs_no_set_is_named_as_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frames = shoot(tmp_path / "in" / "barn", 1)
    for path in frames:
        write_photo(path.with_suffix(".tif"), read_photo(path))
    whole = frames[1].with_suffix(".tif").read_bytes()
    frames[1].with_suffix(".tif").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "in/barn/Untitled.jpg").touch()
    batch = ["batch", str(tmp_path / "in"), "-o", str(tmp_path / "out"), "--jobs", "1"]
    assert main([*batch, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["done"], said["failed"]) == (["barn"], [])
    reasons = {Path(one["file"]).name: one["reason"] for one in said["damaged"]}
    assert reasons.pop("Untitled.jpg") == "expected a photo, got an empty file"
    assert reasons.pop("1.tif").startswith("a damaged copy of 1.png: cannot be decoded: ")
    assert not reasons
    assert [one["file"] for one in record(tmp_path / "out", "barn")["inputs"]] == ["0.png", "1.png", "2.png"]
    for again in ([], ["--dry-run"]):
        assert main([*batch, *again]) == 0
        assert "Untitled.jpg: expected a photo, got an empty file" in capsys.readouterr().out


@pytest.fixture
def three(tmp_path: Path) -> Path:
    for seed, scene in enumerate(SCENES):
        shoot(tmp_path / "in" / scene, seed)
    return tmp_path / "in"


def command(source: Path, out: Path) -> list[str]:
    return [sys.executable, "-m", "deepfuse.cli", "batch", str(source), "-o", str(out), "--jobs", "1"]


def test_a_killed_batch_goes_on_where_it_was(three: Path, tmp_path: Path) -> None:
    whole, out = tmp_path / "whole", tmp_path / "out"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run(command(three, whole), env=environment, check=True, capture_output=True)
    process = subprocess.Popen(command(three, out), env=environment, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not state(out) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = state(out)
    assert 1 <= len([name for name in before if not name.startswith(".")]) < 3
    done = subprocess.run(command(three, out), env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    after = state(out)
    assert {name: digest for name, (_, digest) in after.items()} == {n: d for n, (_, d) in state(whole).items()}
    assert all(after[name] == seen for name, seen in before.items() if not name.startswith("."))


def test_exit_codes(three: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "out")
    assert main(["batch", str(three), "-o", str(three)]) == 4
    assert main(["batch", str(tmp_path / "no"), "-o", out]) == 4
    assert main(["batch", str(three), "-o", out, "--model", str(tmp_path)]) == 5
    assert main(["batch", str(three), "-o", out, "--format", "jpg", "--depth", "16"]) == 4
    assert "8-bit" in capsys.readouterr().err
    with pytest.raises(SystemExit) as stop:
        main(["batch", str(three), "-o", out, "--jobs", "0"])
    assert stop.value.code == 2
    assert not Path(out).exists()
    alone = tmp_path / "alone"
    alone.mkdir()
    shutil.copy(three / "barn/1.png", alone)
    assert main(["batch", str(alone), "-o", out]) == 3


def test_a_system_where_processes_share_no_locks_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(*_: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    shoot(tmp_path / "in" / "barn", 1)
    monkeypatch.setattr("_multiprocessing.SemLock", refused)
    assert main(["batch", str(tmp_path / "in"), "-o", str(tmp_path / "out"), "--no-align"]) == 4
    said = capsys.readouterr().err
    assert "/dev/shm: cannot be written into: Read-only file system" in said
    assert "mount it for writing" in said
