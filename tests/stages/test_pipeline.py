"""The pipeline as DVC runs it, on small brackets: what runs again, what does not, and what a kill leaves."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from support.pictures import textured_radiance
from support.projects import SCENES, add_scene, results, run_dvc, set_params, stages_run

from deepfuse.manifest import Scene, read_manifest
from deepfuse.metrics.table import METRICS
from deepfuse.model import read_model
from deepfuse.monitoring.arrived import read_arrived
from deepfuse.params import read_yaml
from deepfuse.photo import read_photo, write_photo
from deepfuse.simulation.camera import CAMERAS, simulate_bracket, write_radiance
from deepfuse.training.patches import PatchSet

TRACKED = ("arrived.csv", "history.csv", "metrics.json", "scenes.csv")


def outputs(project: Path, *stages: str) -> dict[str, str]:
    """The md5 of each output in dvc.lock."""
    lock = read_yaml(project / "dvc.lock")["stages"]
    return {out["path"]: out["md5"] for stage in stages or lock for out in lock[stage]["outs"]}


def scene(project: Path, stage: str, name: str) -> Scene:
    return next(s for s in read_manifest(project / "data" / stage) if s.scene == name)


def test_every_stage_leaves_what_it_promises(finished_project: Path) -> None:
    data = finished_project / "data"
    metrics = json.loads((data / "metrics/metrics.json").read_text())
    assert metrics["scenes"] == 1
    assert metrics.keys() == {"scenes", *(metric.name for metric in METRICS)}
    assert metrics["mef_ssim"].keys() == metrics["halo"].keys() == {"model", "model_best", "mertens", "average"}
    assert all(0 < value <= 1 for value in metrics["mef_ssim"].values())
    assert read_photo(data / "report/fused/cave.tif").dtype == np.uint16
    assert "cave" in (data / "report/index.html").read_text()
    assert (data / "report/sheets/cave.jpg").is_file()
    assert read_model(data / "model").arch == "pyramid"
    assert [row["epoch"] for row in csv.DictReader((data / "metrics/history.csv").open())] == ["1", "2", "3"]
    assert json.loads((data / "model/provenance.json").read_text())["train"]["epochs"] == 3
    assert len(PatchSet(data / "patches/train")) == 3 * 24
    assert len(PatchSet(data / "patches/val")) == 24
    came = read_arrived((data / "metrics/arrived.csv").read_text())
    assert [one.scene for one in came] == [one.scene for one in read_manifest(data / "aligned")]
    assert {(one.frames, one.gap_ev) for one in came} == {(3, 6.0)}
    assert all(one.noise is not None and one.noise > 0 for one in came)


def test_frames_run_from_dark_to_bright_and_say_how_they_were_taken(finished_project: Path) -> None:
    attic = scene(finished_project, "frames", "attic")
    evs = [frame.ev for frame in attic.frames]
    assert evs == sorted(evs, reverse=True)
    assert [frame.file for frame in attic.frames] == ["00_ev-3.dng", "01_ev+0.dng", "02_ev+3.dng"]
    means = [read_photo(path).mean() for path in attic.pictures(finished_project / "data/frames")]
    assert means == sorted(means)
    assert attic.frames[1].exposure.time_s == pytest.approx(1 / 60, rel=1e-3)


def test_a_second_repro_runs_nothing(project: Path) -> None:
    assert stages_run(run_dvc(project, "repro", "evaluate")) == []


def test_a_training_parameter_runs_training_and_evaluation_alone(project: Path) -> None:
    set_params(project, {"train": {"learning_rate": 0.002}})
    before = outputs(project)
    assert stages_run(run_dvc(project, "repro", "evaluate")) == ["train", "evaluate"]
    changed = {path for path, md5 in outputs(project).items() if before[path] != md5}
    assert changed == {
        "data/model",
        "data/report",
        *(f"data/metrics/{name}" for name in TRACKED if name != "arrived.csv"),
    }


def test_a_new_scene_costs_one_scene(project: Path) -> None:
    before = {stage: results(project, stage) for stage in ("ingest", "align")}
    add_scene(project, "fjord", seed=9)
    run_dvc(project, "repro", "align")
    for stage, old in before.items():
        new = results(project, stage)
        assert len(new) == len(old) + 1
        assert old.items() <= new.items()
    assert scene(project, "aligned", "fjord").ok


def test_a_moved_source_is_not_decoded_again(project: Path) -> None:
    before = results(project, "ingest")
    (project / "brackets").rename(project / "elsewhere")
    set_params(project, {"ingest": {"source": "elsewhere"}})
    run_dvc(project, "repro", "ingest")
    assert results(project, "ingest") == before


def test_what_a_frame_says_of_itself_reaches_the_patches(project: Path) -> None:
    """Other exposure times and names, the same pixels: one file of patches is another."""
    before = {path: path.read_bytes() for path in (project / "data/patches").glob("*/*.parquet")}
    assert len(before) == 4
    radiance = textured_radiance(144, 192, 0)
    shutil.rmtree(project / "brackets/attic")
    simulate_bracket(
        radiance, project / "brackets/attic", camera=CAMERAS[0], stops=(-3, 0, 3), seed=0, base_time_s=1 / 15
    )
    run_dvc(project, "repro", "patch")
    times = [frame.exposure.time_s for frame in scene(project, "aligned", "attic").frames]
    assert times == pytest.approx([1 / 120, 1 / 15, 8 / 15], rel=1e-3)
    after = {path: path.read_bytes() for path in (project / "data/patches").glob("*/*.parquet")}
    assert {path.stem for path, _ in after.items() - before.items()} == {"attic"}
    rows = pq.read_table(project / "data/patches/train/attic.parquet", columns=["evs"]).to_pylist()
    evs = {round(ev, 2) for row in rows for ev in row["evs"]}
    assert evs == {round(frame.ev, 2) for frame in scene(project, "aligned", "attic").frames}


def test_a_refusal_is_not_remembered(project: Path) -> None:
    good = (project / "brackets/barn/01_ev+0.dng").read_bytes()
    (project / "brackets/barn/01_ev+0.dng").write_bytes(good[:5000])
    run_dvc(project, "repro", "ingest")
    assert not scene(project, "frames", "barn").ok
    entries = len(results(project, "ingest"))
    (project / "brackets/barn/01_ev+0.dng").write_bytes(good)
    run_dvc(project, "repro", "ingest")
    assert scene(project, "frames", "barn").ok
    assert len(results(project, "ingest")) == entries


def test_a_name_that_is_no_text_is_a_scene_like_any_other(project: Path) -> None:
    folder = project / "brackets" / os.fsdecode(b"caf\xe9")
    (project / "brackets/elm").rename(folder)
    for path in folder.iterdir():
        path.rename(folder / os.fsdecode(b"\xfc" + os.fsencode(path.name)))
    command = [sys.executable, "-m", "deepfuse.stages.ingest"]
    subprocess.run(command, cwd=project, check=True, capture_output=True)
    assert scene(project, "frames", "caf\ufffd").ok


def test_a_removed_scene_leaves_nothing_behind(project: Path) -> None:
    for path in (project / "brackets/elm").iterdir():
        path.unlink()
    run_dvc(project, "repro", "align")
    assert not (project / "data/frames/elm").exists()
    assert "elm" not in {s.scene for s in read_manifest(project / "data/aligned")}


def test_a_bad_file_fails_its_scene_and_nothing_else(project: Path) -> None:
    broken = project / "brackets/barn/01_ev+0.dng"
    broken.write_bytes(broken.read_bytes()[:5000])
    single = project / "brackets/single"
    single.mkdir()
    (single / "one.dng").write_bytes((project / "brackets/attic/00_ev-3.dng").read_bytes())
    before = (project / "data/frames/attic/00.tif").read_bytes()
    run_dvc(project, "repro", "align")
    for stage in ("frames", "aligned"):
        assert "01_ev+0.dng" in (scene(project, stage, "barn").reason or "")
        assert "expected 2 or more exposures, got 1" in (scene(project, stage, "single").reason or "")
        assert not (project / "data" / stage / "barn").exists()
    assert (project / "data/frames/attic/00.tif").read_bytes() == before
    assert sum(s.ok for s in read_manifest(project / "data/aligned")) == len(SCENES) - 1


def test_unlike_pictures_are_refused_by_align(project: Path) -> None:
    mixed = project / "brackets/mixed"
    mixed.mkdir()
    for scene_name, name in (("attic", "00_ev-3.dng"), ("elm", "02_ev+3.dng")):
        (mixed / name).write_bytes((project / "brackets" / scene_name / name).read_bytes())
    run_dvc(project, "repro", "align")
    assert scene(project, "frames", "mixed").ok
    assert "00_ev-3.dng" in (scene(project, "aligned", "mixed").reason or "")


def test_pictures_too_small_to_align_are_a_record_too(project: Path) -> None:
    for index in (0, 1):
        path = project / f"brackets/tiny/{index}.png"
        path.parent.mkdir(exist_ok=True)
        write_photo(path, np.array([[[0, 0, 0], [9, 9, 9]]], np.uint8) * (index + 1))
    run_dvc(project, "repro", "align")
    assert "2×1" in (scene(project, "aligned", "tiny").reason or "")
    assert scene(project, "aligned", "attic").ok


def start(project: Path, stage: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", f"deepfuse.stages.{stage}"]
    return subprocess.Popen(command, cwd=project, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def kill_when(process: subprocess.Popen[bytes], ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not ready():
        assert process.poll() is None, "the stage ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


def forget(project: Path, stage: str, out: str) -> None:
    """As before the stage's first run: no output, no private result, no entry in DVC's run cache."""
    kept = (f".deepfuse/cache/{stage}", ".deepfuse/checkpoints", ".dvc/cache/runs", f"data/{out}")
    for name in kept:
        shutil.rmtree(project / name, ignore_errors=True)


def test_a_kill_in_ingest_costs_nothing_but_time(project: Path) -> None:
    expected = outputs(project, "ingest")
    forget(project, "ingest", "frames")
    process = start(project, "ingest")
    kill_when(process, lambda: len(results(project, "ingest")) >= 2)
    assert not (project / "data/frames/manifest.json").exists()
    made = results(project, "ingest")
    assert stages_run(run_dvc(project, "repro", "--force", "--single-item", "ingest")) == ["ingest"]
    assert made.items() <= results(project, "ingest").items()
    assert outputs(project, "ingest") == expected


def test_a_kill_in_training_gives_the_same_model(project: Path) -> None:
    expected = outputs(project, "train")
    forget(project, "train", "model")
    process = start(project, "train")
    kill_when(process, lambda: any((project / ".deepfuse").glob("checkpoints/*/epoch.pt")))
    assert not (project / "data/model/model.safetensors").exists()
    with (project / "deepfuse/training/fit.py").open("a") as file:
        file.write("# A remark, which costs no epoch.\n")
    assert stages_run(run_dvc(project, "repro", "--force", "--single-item", "train")) == ["train"]
    assert outputs(project, "train") == expected


def test_a_training_that_dvc_did_not_record_is_not_begun_again(project: Path) -> None:
    (checkpoint,) = (project / ".deepfuse/checkpoints").glob("*/epoch.pt")
    written, weights = checkpoint.stat().st_mtime_ns, project / "data/model/model.safetensors"
    expected = weights.read_bytes()
    (project / ".deepfuse/checkpoints/old").mkdir()
    os.utime(project / ".deepfuse/checkpoints/old", (0, 0))
    shutil.rmtree(project / "data/model")
    assert start(project, "train").wait() == 0
    assert weights.read_bytes() == expected
    assert checkpoint.stat().st_mtime_ns == written  # no epoch was trained
    assert list((project / ".deepfuse/checkpoints").iterdir()) == [checkpoint.parent]


def test_an_unknown_key_stops_the_pipeline_by_its_name(project: Path) -> None:
    set_params(project, {"align": {"min_inlier": 3}})
    done = subprocess.run([sys.executable, "-m", "deepfuse.stages.align"], cwd=project, capture_output=True, text=True)
    assert done.returncode != 0
    assert "align.min_inlier" in done.stderr


def test_radiance_maps_are_taken_by_the_simulated_camera(project: Path) -> None:
    write_radiance(project / "brackets/garden.hdr", textured_radiance(96, 128, 5))
    run_dvc(project, "repro", "ingest")
    garden = scene(project, "frames", "garden")
    assert [round(a.ev - b.ev, 2) for a, b in zip(garden.frames, garden.frames[1:], strict=False)] == [3, 3]
    assert {frame.camera.split()[-1] for frame in garden.frames} == {"X14"}
