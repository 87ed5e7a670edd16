"""What a change of the code costs, and what the results take on the disk."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.pictures import random_model
from support.projects import commit_all, outputs, results, run_dvc, run_stages, set_params, stages_run

from deepfuse import engine, notes
from deepfuse.evaluation import scoring
from deepfuse.files import file_digest
from deepfuse.manifest import read_manifest, write_manifest
from deepfuse.model import write_model
from deepfuse.params import read_params
from deepfuse.photo import read_pages, writing_pages
from deepfuse.registry.dvc_contents import content_md5
from deepfuse.split import split_of
from deepfuse.stages import evaluate

SCENE_STAGES = ("ingest", "align", "patch")


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def kept(project: Path) -> dict[str, dict[str, float]]:
    return {stage: results(project, stage) for stage in SCENE_STAGES}


def test_a_remark_a_docstring_and_another_layout_cost_no_scene(project: Path) -> None:
    before = kept(project)
    assert all(before.values())
    edit(project / "deepfuse/errors.py", "\n\n\n", "\n\n\n# A remark.\n")
    edit(project / "deepfuse/files.py", '"""Files that', '"""The files that')
    ruff = [Path(sys.executable).parent / "ruff", "format", "--quiet", "--isolated", "--line-length", "70"]
    subprocess.run([*ruff, "deepfuse/photo", "deepfuse/alignment", "deepfuse/training"], cwd=project, check=True)
    assert stages_run(run_dvc(project, "repro", "patch")) == list(SCENE_STAGES)
    assert kept(project) == before


def test_a_constant_costs_all_scenes_of_its_stage_and_of_no_other(project: Path) -> None:
    before = kept(project)
    edit(project / "deepfuse/stages/align.py", "BYTES_PER_PX = 30", "BYTES_PER_PX = 31")
    run_dvc(project, "repro", "patch")
    after = kept(project)
    assert len(after["align"]) == 2 * len(before["align"])
    assert (after["ingest"], after["patch"]) == (before["ingest"], before["patch"])
    dvc = inodes(project / ".dvc/cache")
    anew = [path for path in (project / ".deepfuse/cache/align").glob("*/*/scene/*.tif") if path.stat().st_ino in dvc]
    assert len(anew) == len(before["align"]), "what came out as before is DVC's file"


def test_bytecode_in_a_package_is_no_change(project: Path) -> None:
    folders = [folder for folder in (project / "deepfuse").rglob("*/") if folder.name != "__pycache__"]
    assert folders
    for folder in folders:
        (folder / "__pycache__").mkdir(exist_ok=True)
        (folder / "__pycache__/old.cpython-39.pyc").write_bytes(b"old")
    assert run_dvc(project, "status", "--with-deps", "evaluate").strip() == "Data and pipelines are up to date."


def test_no_process_is_started_for_a_scene_that_is_kept(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[str] = []

    def here(tasks: Sequence[Any], work: Callable[[Any], Any], **_: object) -> Iterator[Any]:
        given.extend(task.scene for task in tasks)
        return map(work, tasks)

    monkeypatch.setattr(engine, "run_scenes", here)
    monkeypatch.setattr(notes, "SETTLED_S", -1.0)
    before = outputs(project, "ingest", "align")
    run_stages(project, "ingest", "align")
    given.clear()
    for folder in before:
        shutil.rmtree(project / folder, ignore_errors=True)
    run_stages(project, "ingest", "align")
    assert not given
    assert {folder: content_md5(project / folder) for folder in before} == before
    dark, bright, *_ = sorted((project / "brackets/barn").iterdir())
    photo = dark.read_bytes()
    dark.write_bytes(bright.read_bytes())
    run_stages(project, "ingest")
    dark.write_bytes(photo)
    assert given == ["barn"]


def trees(project: Path) -> dict[str, bytes]:
    folders = [project / "data/report", project / "data/metrics"]
    return {str(path): path.read_bytes() for folder in folders for path in folder.rglob("*") if path.is_file()}


def add_aligned(project: Path, name: str) -> None:
    """A scene of stage `align`: the one under test, upside down."""
    aligned = project / "data/aligned"
    scenes = read_manifest(aligned)
    cave = next(scene for scene in scenes if scene.scene == "cave")
    new = replace(cave, scene=name)
    with writing_pages(new.file(aligned)) as write:
        for frame in read_pages(cave.file(aligned), range(len(cave.frames))):
            write(np.ascontiguousarray(frame.pixels[::-1]), None)
    write_manifest(aligned, [*scenes, replace(new, sha256=file_digest(new.file(aligned)))])


def test_a_new_scene_under_test_costs_its_own_fusions(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fused = []
    monkeypatch.chdir(project)
    for name in ("fuse", "fuse_mertens", "fuse_average"):
        make = getattr(scoring, name)
        monkeypatch.setattr(
            scoring, name, lambda *a, make=make, **rest: fused.append(make.__name__) or make(*a, **rest)
        )
    before = trees(project)
    shutil.rmtree(project / "data/report")
    evaluate.main()
    assert not fused
    assert trees(project) == before
    picture = next((project / ".deepfuse/cache/evaluate").glob("*/*/fused.tif"))
    short = picture.read_bytes()[:-1]
    picture.unlink()
    picture.write_bytes(short)
    evaluate.main()
    assert fused == ["fuse", "fuse", "fuse_mertens", "fuse_average"], "the pictures are made again"
    assert trees(project) == before
    name = next(f"{n}" for n in range(99) if split_of(f"{n}", **read_params().split.model_dump()) == "test")
    add_aligned(project, name)
    fused.clear()
    evaluate.main()
    assert fused == ["fuse", "fuse", "fuse_mertens", "fuse_average"]
    after = trees(project)
    assert {path: after[path] for path in before if "/cave." in path} == {p: before[p] for p in before if "/cave." in p}
    shutil.rmtree(project / ".deepfuse/cache")
    evaluate.main()
    assert trees(project) == after


def test_pictures_that_the_report_no_longer_shows_are_forgotten(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    drawn = project / ".deepfuse/cache/evaluate"
    before, scores = set(drawn.glob("*/*")), set((project / ".deepfuse/cache/scores").glob("*/*"))
    assert len(before) == 1
    write_model(random_model(0), project / "data/model")
    evaluate.main()
    after = set(drawn.glob("*/*"))
    assert len(after) == 1
    assert not after & before
    both = set((project / ".deepfuse/cache/scores").glob("*/*"))
    assert len(both - scores) == 1, "this network has one quality"
    assert both > scores, "those of the model before may be the champion's"


def inodes(folder: Path) -> set[int]:
    return {path.stat().st_ino for path in folder.rglob("*") if path.is_file()}


def test_a_frame_lies_on_the_disk_once(finished_project: Path) -> None:
    """As the stage's private result, as its output and in DVC's cache it is one file."""
    private, dvc = inodes(finished_project / ".deepfuse/cache/ingest"), inodes(finished_project / ".dvc/cache")
    frames = finished_project / "data/frames"
    pictures = [scene.file(frames) for scene in read_manifest(frames)]
    assert len(pictures) == 5
    for picture in pictures:
        assert picture.stat().st_ino in private & dvc
        assert picture.stat().st_nlink >= 3
        assert not picture.stat().st_mode & 0o222


def test_a_stage_that_runs_again_writes_into_no_linked_file(project: Path) -> None:
    run_dvc(project, "checkout", "--relink", "--with-deps", "evaluate")
    picture, index = project / "data/aligned/attic.tif", project / "data/report/index.html"
    assert min(picture.stat().st_nlink, index.stat().st_nlink) >= 2
    set_params(project, {"align": {"min_inliers": 26}, "patch": {"per_scene": 12}, "train": {"epochs": 1}})
    run_stages(project, "ingest", "align", "patch", "train", "evaluate")
    cached = [path for path in (project / ".dvc/cache/files/md5").rglob("*") if path.is_file()]
    assert cached
    for path in cached:
        assert hashlib.md5(path.read_bytes()).hexdigest() == (path.parent.name + path.name).removesuffix(".dir")


def test_lost_and_changed_outputs_come_from_the_cache_with_their_metrics(project: Path) -> None:
    before = (project / "dvc.lock").read_text()
    for name in ("model", "report", "metrics"):
        shutil.rmtree(project / "data" / name)
    frames = [project / "data/frames/attic.tif", project / "data/aligned/attic.tif"]  # later stages name neither
    whole = [frame.read_bytes() for frame in frames]
    for frame in frames:
        frame.unlink()
        frame.write_bytes(whole[0][:-1])
    assert stages_run(run_dvc(project, "repro", "evaluate")) == []
    assert [frame.read_bytes() for frame in frames] == whole
    assert (project / "dvc.lock").read_text() == before
    assert len(list((project / "data/metrics").iterdir())) == 4
    assert (project / "data/metrics/metrics.json").stat().st_nlink == 1, "git would write into DVC's cache"


def test_a_clone_without_any_cache_shows_and_compares_the_metrics(project: Path, tmp_path: Path) -> None:
    commit_all(project)
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", project, clone], check=True)
    assert not (clone / "data/report").exists()
    for command in (("metrics", "show"), ("exp", "show", "--csv")):
        shown = run_dvc(clone, *command)
        assert "mef_ssim.mertens" in shown
        assert "0.9" in shown
    edit(clone / "data/metrics/metrics.json", '"scenes": 1', '"scenes": 3')
    assert "scenes 1 3 2" in " ".join(run_dvc(clone, "metrics", "diff").split())
    plots = run_dvc(clone, "plots", "show", "--show-vega", "data/metrics/history.csv")
    assert "val_mef_ssim" in plots
