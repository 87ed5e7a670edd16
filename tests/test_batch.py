"""`deepfuse batch`: what it makes, what it leaves alone, what it survives."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import ROOT, expose, textured_radiance

from deepfuse.batch import Job, sole_batch, work
from deepfuse.batch.work import fail, fuse_set
from deepfuse.cli import main
from deepfuse.controls import RANGES, Controls
from deepfuse.errors import DeepfuseError
from deepfuse.fuse_options import FuseOptions
from deepfuse.model import SHIPPED, weights_sha256
from deepfuse.photo import Encoding, read_photo, write_photo

SCENES = ("barn", "cave", "dune")


def shoot(folder: Path, seed: int) -> tuple[Path, ...]:
    """A bracket of three PNGs of 8 bits."""
    folder.mkdir(parents=True)
    radiance = textured_radiance(120, 160, seed)
    paths = tuple(folder / f"{index}.png" for index in range(3))
    for path, stops in zip(paths, (-3, 0, 3), strict=True):
        write_photo(path, (expose(radiance, stops) >> 8).astype(np.uint8))
    return paths


def job(tmp_path: Path, *, scene: str = "barn") -> Job:
    files = shoot(tmp_path / "in" / scene, 1)
    (tmp_path / "out").mkdir()
    return Job(scene=scene, files=files, output=tmp_path / "out" / f"{scene}.png", options=FuseOptions(), model=SHIPPED,
               model_name="shipped", model_sha256=weights_sha256(SHIPPED), version="1", grouping={})  # fmt: skip


def state(folder: Path) -> dict[str, tuple[int, str]]:
    """Each picture's time of change and SHA-256."""
    return {p.name: (p.stat().st_mtime_ns, sha256(p.read_bytes()).hexdigest()) for p in sorted(folder.glob("*.*"))
            if p.is_file()}  # fmt: skip


def record(out: Path, scene: str) -> dict[str, Any]:
    values: dict[str, Any] = json.loads((out / ".deepfuse" / f"{scene}.json").read_text())
    return values


def test_a_set_is_made_once_for_the_same_frames_options_model_and_version(tmp_path: Path) -> None:
    first = job(tmp_path)
    assert not first.finished
    assert fuse_set(first).status == "done"
    assert first.finished
    made = state(first.output.parent)
    os.utime(first.files[0])
    assert not first.finished, "touched: only its content can tell"
    assert fuse_set(first).status == "finished"
    assert first.finished
    assert state(first.output.parent) == made
    others = [
        replace(first, version="2"),
        replace(first, model_sha256="0"),
        replace(first, options=FuseOptions(align=False)),
        replace(first, options=FuseOptions(encoding=Encoding(png_level=1))),
        *(replace(first, options=FuseOptions(controls=Controls(**{name: 0.5}))) for name in RANGES),
        replace(first, files=first.files[:2]),
    ]
    assert not any(other.finished for other in others)
    write_photo(first.files[0], np.zeros((120, 160, 3), np.uint8))
    assert not first.finished


def test_a_set_whose_picture_is_gone_or_half_written_is_made_again(tmp_path: Path) -> None:
    first = job(tmp_path)
    fuse_set(first)
    pixels = read_photo(first.output)
    first.output.unlink()  # as if killed between the record and the picture
    assert not first.finished
    assert fuse_set(first).status == "done"
    assert (read_photo(first.output) == pixels).all()


def test_a_set_killed_before_its_record_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = replace(job(tmp_path), options=FuseOptions(save_masks=True))
    with monkeypatch.context() as patch:
        patch.setattr(work, "write_record", interrupted)
        with pytest.raises(KeyboardInterrupt):
            fuse_set(first)
    assert not any(path.exists() for path in first.outputs)
    assert fuse_set(first).status == "done"
    assert first.finished
    assert [read_photo(path).shape for path in first.outputs] == [(120, 160, 3)] * 4


def test_a_picture_stays_until_the_next_one_is_complete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = job(tmp_path)
    fuse_set(first)
    before = first.output.read_bytes()
    again = replace(first, version="2")
    for name in ("write_record", "encoded"):
        with monkeypatch.context() as patch:
            patch.setattr(work, name, interrupted)
            with pytest.raises(KeyboardInterrupt):
                fuse_set(again)
        assert first.output.read_bytes() == before
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", replaced_but_no_picture)
        with pytest.raises(KeyboardInterrupt):
            fuse_set(again)
    assert first.output.read_bytes() == before
    assert fuse_set(again).status == "done", "it is known as a batch's own, though the record names the next one"


def test_formats_may_take_turns(tmp_path: Path) -> None:
    first = job(tmp_path)
    for suffix in (".png", ".jpg", ".png", ".jpg"):
        assert fuse_set(replace(first, output=first.output.with_suffix(suffix))).status == "done"


def replaced_but_no_picture(path: Path, target: Path, *, rename: Any = Path.replace) -> Path:
    if target.suffix == ".png":
        raise KeyboardInterrupt
    return Path(rename(path, target))


def interrupted(*arguments: Any) -> None:
    raise KeyboardInterrupt


def test_a_picture_that_somebody_changed_is_kept_unless_forced(tmp_path: Path) -> None:
    first = job(tmp_path)
    fuse_set(first)
    again = replace(first, version="2")
    first.output.write_bytes(b"retouched")
    outcome = fuse_set(again)
    assert outcome.status == "failed"
    assert "not overwritten without --force" in outcome.reason
    assert first.output.read_bytes() == b"retouched"
    assert fuse_set(replace(again, force=True)).status == "done"
    assert read_photo(first.output).shape == (120, 160, 3)


def test_a_failure_forgets_nothing_of_the_picture_before(tmp_path: Path) -> None:
    first = job(tmp_path)
    fuse_set(first)
    assert fail(first, "crashed").status == "failed"
    assert not first.finished
    assert record(first.output.parent, "barn")["reason"] == "crashed"
    assert fuse_set(first).status == "done"


def test_a_set_that_cannot_be_aligned_is_refused_and_leaves_no_picture(tmp_path: Path) -> None:
    bad = job(tmp_path)
    for index, path in enumerate(bad.files):
        write_photo(path, np.random.default_rng(index).integers(0, 256, (96, 96, 3), dtype=np.uint8))
    outcome = fuse_set(bad)
    assert outcome.status == "failed"
    assert outcome.reason.startswith("frame ")
    assert record(bad.output.parent, "barn")["reason"] == outcome.reason
    assert not bad.output.exists()
    assert fuse_set(replace(bad, options=FuseOptions(align=False))).status == "done"


def test_a_set_is_made_again_in_another_look_and_not_in_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shoot(tmp_path / "in" / "barn", 1)
    batch = ["batch", str(tmp_path / "in"), "-o", str(tmp_path / "out"), "--jobs", "1", "--json"]
    for look, made in (([], True), (["--shadows", "0.5"], True), (["--shadows", ".50"], False), ([], True)):
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


def test_one_batch_at_a_time(tmp_path: Path) -> None:
    left = tmp_path / ".0123456789ab_999999999.png"
    left.touch()
    with sole_batch(tmp_path):
        assert not left.exists()
        with pytest.raises(DeepfuseError, match="this batch alone"), sole_batch(tmp_path):
            pass


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
    assert "1.png: expected a JPEG" in failed["cave"]
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
    assert main(["batch", str(three), "-o", str(three / "out")]) == 4
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
