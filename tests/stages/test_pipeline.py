"""The pipeline as DVC runs it, on small brackets: what it leaves, what runs again, and what does not."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from support.pictures import textured_radiance
from support.projects import add_scene, outputs, results, run_dvc, run_stages, scene, set_params, stages_run

from deepfuse.errors import ParamsError
from deepfuse.manifest import read_manifest
from deepfuse.metrics.table import METRICS
from deepfuse.model import read_model
from deepfuse.monitoring.arrived import read_arrived
from deepfuse.photo import read_pages, read_photo
from deepfuse.simulation.camera import CAMERAS, simulate_bracket
from deepfuse.training.patch_set import PatchSet

TRACKED = ("arrived.csv", "history.csv", "metrics.json", "scenes.csv")


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
    means = [frame.pixels.mean() for frame in read_pages(attic.file(finished_project / "data/frames"), range(3))]
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
    run_stages(project, "ingest", "align")
    for stage, old in before.items():
        new = results(project, stage)
        assert len(new) == len(old) + 1
        assert old.items() <= new.items()
    assert scene(project, "aligned", "fjord").ok


def test_a_moved_source_is_not_decoded_again(project: Path) -> None:
    before = results(project, "ingest")
    (project / "brackets").rename(project / "elsewhere")
    set_params(project, {"ingest": {"source": "elsewhere"}})
    run_stages(project, "ingest")
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
    run_stages(project, "ingest", "align", "patch")
    times = [frame.exposure.time_s for frame in scene(project, "aligned", "attic").frames]
    assert times == pytest.approx([1 / 120, 1 / 15, 8 / 15], rel=1e-3)
    after = {path: path.read_bytes() for path in (project / "data/patches").glob("*/*.parquet")}
    assert {path.stem for path, _ in after.items() - before.items()} == {"attic"}
    rows = pq.read_table(project / "data/patches/train/attic.parquet", columns=["evs"]).to_pylist()
    evs = {round(ev, 2) for row in rows for ev in row["evs"]}
    assert evs == {round(frame.ev, 2) for frame in scene(project, "aligned", "attic").frames}


def test_an_unknown_key_stops_the_pipeline_by_its_name(project: Path) -> None:
    set_params(project, {"align": {"min_inlier": 3}})
    with pytest.raises(ParamsError, match=r"align\.min_inlier"):
        run_stages(project, "align")
