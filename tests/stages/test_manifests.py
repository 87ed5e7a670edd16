"""What a manifest stands for: the files of its folder, and none that an earlier version or a hand put there."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from support.projects import outputs, run_dvc, run_stages, stages_run

from deepfuse.errors import DeepfuseError
from deepfuse.files import file_digest, write_json
from deepfuse.manifest import read_manifest
from deepfuse.photo import read_pages, write_photo


def as_folders(out: Path) -> None:
    """A stage's output as an earlier version left it: a folder a scene, a file a frame, a hash of each."""
    records = json.loads((out / "manifest.json").read_text())
    for scene, record in zip(read_manifest(out), records, strict=True):
        files = [out / scene.scene / f"{place:02}.tif" for place in range(len(scene.frames))]
        files[0].parent.mkdir()
        for file, frame in zip(files, read_pages(scene.file(out), range(len(files))), strict=True):
            write_photo(file, frame.pixels)
        scene.file(out).unlink()
        if scene.alignment_file(out).exists():
            scene.alignment_file(out).rename(files[0].with_name("alignment.json"))
        record["sha256"] = list(map(file_digest, files))
    write_json(out / "manifest.json", records)


def test_what_an_earlier_version_left_gives_way(project: Path) -> None:
    before = outputs(project, "ingest", "align", "patch")
    for folder in ("frames", "aligned"):
        as_folders(project / "data" / folder)
    run_dvc(project, "commit", "--force", "ingest", "align")
    assert outputs(project, "ingest", "align", "patch") != before
    with (project / "deepfuse/errors.py").open("a") as file:
        file.write("# Another version.\n")
    assert stages_run(run_dvc(project, "repro", "patch")) == ["ingest", "align", "patch"]
    assert outputs(project, "ingest", "align", "patch") == before
    assert all(path.is_file() for folder in ("frames", "aligned") for path in (project / "data" / folder).iterdir())


def test_patches_changed_by_hand_train_nothing(project: Path) -> None:
    patches = project / "data/patches/train"
    files = {name: (patches / f"{name}.parquet").read_bytes() for name in ("attic", "barn")}
    changes: dict[str, Callable[[Path], object]] = {
        "attic": lambda path: path.write_bytes(files["barn"]),
        "barn": lambda path: None,
        "more": lambda path: path.write_bytes(files["barn"]),
    }
    for name, change in changes.items():
        path = patches / f"{name}.parquet"
        path.unlink(missing_ok=True)
        change(path)
        with pytest.raises(DeepfuseError, match=rf"{name}.parquet: expected the file that .*manifest.json names"):
            run_stages(project, "train")
        path.unlink(missing_ok=True)
        assert stages_run(run_dvc(project, "repro", "train")) == []
        assert {name: (patches / f"{name}.parquet").read_bytes() for name in files} == files
        assert not (patches / "more.parquet").exists()
    (project / "data/patches/manifest.json").unlink()
    with pytest.raises(DeepfuseError, match=r"manifest.json: expected the manifest of stage patch"):
        run_stages(project, "train")
