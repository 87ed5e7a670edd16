"""Everything that a folder of photos may hold, through the real stage: the bad is named, the good goes on."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tifffile
from support.bad_files import DARK, PICTURE, SIZE, encoded
from support.bad_inputs import Corpus, make_corpus
from support.projects import ROOT, set_params

from deepfuse.bracket import Exposure
from deepfuse.grouping import find_brackets
from deepfuse.incremental import SceneCache
from deepfuse.manifest import Scene, read_manifest
from deepfuse.params import read_params
from deepfuse.photo import read_pages
from deepfuse.simulation.camera import CAMERAS, write_dng
from deepfuse.stages.ingest import ingest


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return make_corpus(tmp_path_factory.mktemp("bad") / "brackets")


def state(root: Path) -> dict[str, tuple[str, int]]:
    """Content and time of each file, links not followed."""
    files = [path for path in root.rglob("*") if path.is_file() and not path.is_symlink()]
    return {str(path): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns) for path in files}


def start_stage(folder: Path, source: Path, jobs: int) -> subprocess.Popen[str]:
    """The stage, started in a small project in `folder`."""
    shutil.copytree(ROOT / "deepfuse", folder / "deepfuse", ignore=shutil.ignore_patterns("__pycache__", "weights"))
    for name in ("dvc.yaml", "params.yaml"):
        shutil.copy(ROOT / name, folder)
    set_params(folder, {"ingest": {"source": str(source)}})
    command = [sys.executable, "-m", "deepfuse.stages.ingest"]
    environment = {**os.environ, "DEEPFUSE_JOBS": str(jobs)}
    return subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def run_stage(folder: Path, source: Path, jobs: int) -> Path:
    """A small project in `folder` in which the stage has run on `source`."""
    process = start_stage(folder, source, jobs)
    printed, _ = process.communicate(timeout=120)
    assert process.returncode == 0, printed
    return folder


@pytest.fixture(scope="module")
def finished(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    before = state(corpus.root)
    project = run_stage(tmp_path_factory.mktemp("project"), corpus.root, jobs=2)
    assert state(corpus.root) == before, "the sources were touched"
    return project


@pytest.fixture(scope="module")
def scenes(finished: Path) -> dict[str, Scene]:
    return {scene.scene: scene for scene in read_manifest(finished / "data/frames")}


def test_the_corpus_is_large(corpus: Corpus, scenes: dict[str, Scene]) -> None:
    assert len(corpus.bad) >= 40
    assert scenes.keys() == corpus.bad.keys() | corpus.good.keys()


def test_each_bad_scene_says_which_file_and_what(corpus: Corpus, scenes: dict[str, Scene]) -> None:
    missing = {
        name: (words, scenes[name].reason)
        for name, words in corpus.bad.items()
        if not all(word in (scenes[name].reason or "") for word in words)
    }
    assert missing == {}


def test_the_good_ones_are_there(corpus: Corpus, scenes: dict[str, Scene], finished: Path) -> None:
    for name, count in corpus.good.items():
        assert scenes[name].reason is None, scenes[name].reason
        pages = list(read_pages(scenes[name].file(finished / "data/frames"), range(count)))
        assert len(scenes[name].frames) == count
        assert (
            {page.pixels.shape for page in pages}
            == {(frame.height, frame.width, 3) for frame in scenes[name].frames}
            == {(*SIZE, 3)}
        )
    frames = tifffile.imread(scenes["plain"].file(finished / "data/frames"))
    assert (frames == np.stack([DARK, PICTURE]).astype(np.uint16) * 257).all()


def test_nothing_is_left_half_written(corpus: Corpus, finished: Path) -> None:
    out = finished / "data/frames"
    assert {path.name for path in out.iterdir()} == {"manifest.json", *(f"{name}.tif" for name in corpus.good)}
    kept = [path for path in (finished / ".deepfuse/cache").rglob("*") if path.name.startswith(".")]
    assert kept == []


def test_the_number_of_workers_changes_nothing(corpus: Corpus, finished: Path, tmp_path: Path) -> None:
    other = run_stage(tmp_path, corpus.root, jobs=1)
    frames = {
        path.relative_to(finished): path.read_bytes() for path in (finished / "data").rglob("*.*") if path.is_file()
    }
    assert len(frames) == len(corpus.good) + 1
    assert {path: (other / path).read_bytes() for path in frames} == frames
    assert json.loads((other / "data/frames/manifest.json").read_text())


def test_an_interrupted_run_leaves_nothing_half_written(tmp_path: Path) -> None:
    for scene in range(4):
        raw_folder = tmp_path / f"brackets/{scene}"
        raw_folder.mkdir(parents=True)
        for name, level, time_s in (("dark", 200, 1 / 60), ("bright", 800, 1 / 15)):
            mosaic = np.full((3000, 4000), level, np.uint16)
            write_dng(raw_folder / f"{name}.dng", mosaic, camera=CAMERAS[0], exposure=Exposure(time_s, 100, 5.6))
    process = start_stage(tmp_path, tmp_path / "brackets", jobs=2)
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob(".deepfuse/cache/ingest/*/.*/scene/*")):
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            pytest.fail(f"no scene was begun; the stage printed:\n{process.communicate()[0]}")
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode != 0
    assert list((tmp_path / "data/frames").glob("**/.*")) == []
    assert list((tmp_path / ".deepfuse/cache").glob("*/*/.*")) == []
    assert not (tmp_path / "data/frames/manifest.json").exists()


def test_a_file_that_vanishes_meanwhile_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "brackets/scene"
    folder.mkdir(parents=True)
    for name, picture in (("a.png", DARK), ("b.png", PICTURE)):
        (folder / name).write_bytes(encoded(picture, format="PNG"))
    bracket = find_brackets(tmp_path / "brackets").groups[0].bracket
    (folder / "b.png").unlink()
    monkeypatch.chdir(tmp_path)
    scene = ingest(bracket, cache=SceneCache("ingest", "key"), params=read_params(ROOT / "params.yaml").ingest)
    assert "b.png: cannot be read: No such file" in (scene.reason or "")
