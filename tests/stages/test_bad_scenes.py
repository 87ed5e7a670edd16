"""A scene that is bad, odd or gone: a record, and nothing to the others."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from support.pictures import textured_radiance
from support.projects import SCENES, results, run_dvc, run_stages, scene

from deepfuse.manifest import read_manifest
from deepfuse.photo import write_photo
from deepfuse.simulation.camera import write_radiance


def test_a_refusal_is_not_remembered(project: Path) -> None:
    good = (project / "brackets/barn/01_ev+0.dng").read_bytes()
    (project / "brackets/barn/01_ev+0.dng").write_bytes(good[:5000])
    run_stages(project, "ingest")
    assert not scene(project, "frames", "barn").ok
    entries = len(results(project, "ingest"))
    (project / "brackets/barn/01_ev+0.dng").write_bytes(good)
    run_stages(project, "ingest")
    assert scene(project, "frames", "barn").ok
    assert len(results(project, "ingest")) == entries


def test_a_name_that_is_no_text_is_a_scene_like_any_other(project: Path) -> None:
    folder = project / "brackets" / os.fsdecode(b"caf\xe9")
    (project / "brackets/elm").rename(folder)
    for path in folder.iterdir():
        path.rename(folder / os.fsdecode(b"\xfc" + os.fsencode(path.name)))
    run_stages(project, "ingest")
    assert scene(project, "frames", "caf\ufffd").ok


def test_a_removed_scene_leaves_nothing_behind(project: Path) -> None:
    for path in (project / "brackets/elm").iterdir():
        path.unlink()
    run_dvc(project, "repro", "align")
    assert not (project / "data/frames/elm.tif").exists()
    assert "elm" not in {s.scene for s in read_manifest(project / "data/aligned")}


def test_a_scene_called_like_the_manifest_is_one_like_any_other(project: Path) -> None:
    (project / "brackets/elm").rename(project / "brackets/manifest")
    run_stages(project, "ingest", "align")
    assert scene(project, "aligned", "manifest").ok
    assert scene(project, "aligned", "barn").ok


def test_a_bad_file_fails_its_scene_and_nothing_else(project: Path) -> None:
    broken = project / "brackets/barn/01_ev+0.dng"
    broken.write_bytes(broken.read_bytes()[:5000])
    single = project / "brackets/single"
    single.mkdir()
    (single / "one.dng").write_bytes((project / "brackets/attic/00_ev-3.dng").read_bytes())
    before = (project / "data/frames/attic.tif").read_bytes()
    run_dvc(project, "repro", "align")
    for stage in ("frames", "aligned"):
        assert "01_ev+0.dng" in (scene(project, stage, "barn").reason or "")
        assert "expected 2 or more exposures, got 1" in (scene(project, stage, "single").reason or "")
        assert not list((project / "data" / stage).glob("barn*"))
    assert (project / "data/frames/attic.tif").read_bytes() == before
    assert sum(s.ok for s in read_manifest(project / "data/aligned")) == len(SCENES) - 1


def test_unlike_pictures_are_refused_by_align(project: Path) -> None:
    mixed = project / "brackets/mixed"
    mixed.mkdir()
    for scene_name, name in (("attic", "00_ev-3.dng"), ("elm", "02_ev+3.dng")):
        (mixed / name).write_bytes((project / "brackets" / scene_name / name).read_bytes())
    run_stages(project, "ingest", "align")
    assert scene(project, "frames", "mixed").ok
    assert "00_ev-3.dng" in (scene(project, "aligned", "mixed").reason or "")


def test_pictures_too_small_to_align_are_a_record_too(project: Path) -> None:
    for index in (0, 1):
        path = project / f"brackets/tiny/{index}.png"
        path.parent.mkdir(exist_ok=True)
        write_photo(path, np.array([[[0, 0, 0], [9, 9, 9]]], np.uint8) * (index + 1))
    run_stages(project, "ingest", "align")
    assert "2×1" in (scene(project, "aligned", "tiny").reason or "")
    assert scene(project, "aligned", "attic").ok


def test_radiance_maps_are_taken_by_the_simulated_camera(project: Path) -> None:
    write_radiance(project / "brackets/garden.hdr", textured_radiance(96, 128, 5))
    run_stages(project, "ingest")
    garden = scene(project, "frames", "garden")
    assert [round(a.ev - b.ev, 2) for a, b in zip(garden.frames, garden.frames[1:], strict=False)] == [3, 3]
    assert {frame.camera.split()[-1] for frame in garden.frames} == {"X14"}
