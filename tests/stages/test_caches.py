"""What a change of the code costs, and what the results take on the disk."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from support.projects import commit_all, results, run_dvc, set_params, stages_run

from deepfuse.manifest import read_manifest

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


def test_bytecode_in_a_package_is_no_change(project: Path) -> None:
    folders = [folder for folder in (project / "deepfuse").rglob("*/") if folder.name != "__pycache__"]
    assert folders
    for folder in folders:
        (folder / "__pycache__").mkdir(exist_ok=True)
        (folder / "__pycache__/old.cpython-39.pyc").write_bytes(b"old")
    assert run_dvc(project, "status", "--with-deps", "evaluate").strip() == "Data and pipelines are up to date."


def inodes(folder: Path) -> set[int]:
    return {path.stat().st_ino for path in folder.rglob("*") if path.is_file()}


def test_a_frame_lies_on_the_disk_once(finished_project: Path) -> None:
    """As the stage's private result, as its output and in DVC's cache it is one file."""
    private, dvc = inodes(finished_project / ".deepfuse/cache/ingest"), inodes(finished_project / ".dvc/cache")
    frames = finished_project / "data/frames"
    pictures = [picture for scene in read_manifest(frames) for picture in scene.pictures(frames)]
    assert len(pictures) == 15
    for picture in pictures:
        assert picture.stat().st_ino in private & dvc
        assert picture.stat().st_nlink >= 3
        assert not picture.stat().st_mode & 0o222


def test_a_stage_that_runs_again_writes_into_no_linked_file(project: Path) -> None:
    run_dvc(project, "checkout", "--relink", "--with-deps", "evaluate")
    picture, index = project / "data/aligned/attic/00.tif", project / "data/report/index.html"
    assert min(picture.stat().st_nlink, index.stat().st_nlink) >= 2
    set_params(project, {"align": {"min_inliers": 26}, "patch": {"per_scene": 12}, "train": {"epochs": 1}})
    for stage in ("ingest", "align", "patch", "train", "evaluate"):
        command = [sys.executable, "-m", f"deepfuse.stages.{stage}"]
        subprocess.run(command, cwd=project, check=True, capture_output=True)
    cached = [path for path in (project / ".dvc/cache/files/md5").rglob("*") if path.is_file()]
    assert cached
    for path in cached:
        assert hashlib.md5(path.read_bytes()).hexdigest() == (path.parent.name + path.name).removesuffix(".dir")


def test_lost_outputs_come_from_the_cache_with_their_metrics(project: Path) -> None:
    before = (project / "dvc.lock").read_text()
    for name in ("model", "report", "metrics"):
        shutil.rmtree(project / "data" / name)
    assert stages_run(run_dvc(project, "repro", "evaluate")) == []
    assert (project / "dvc.lock").read_text() == before
    assert len(list((project / "data/metrics").iterdir())) == 3
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
