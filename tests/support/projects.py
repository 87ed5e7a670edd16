"""Small copies of this project with brackets of their own, and DVC in them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from contextlib import chdir, suppress
from importlib import import_module
from pathlib import Path

from ruamel.yaml import YAML
from support.pictures import textured_radiance
from support.warm import warm_dvc

from deepfuse.manifest import Scene, read_manifest
from deepfuse.params import read_yaml
from deepfuse.simulation.camera import CAMERAS, simulate_bracket

ROOT = Path(__file__).parents[2]
SCENES = ("attic", "barn", "cave", "dune", "elm")
TINY = {
    "ingest": {"source": "brackets"},
    "split": {"val": 0.2, "test": 0.3, "salt": "h"},
    "patch": {"size_px": 44, "per_scene": 24},
    "replay": {"scenes": 1, "width": 96, "height": 64, "seed": 3, "stops": [-3, 3]},  # a wood: the quickest
    "train": {"start": "scratch", "epochs": 3, "batch_size": 8, "precision": "float32"},
}


def run_dvc(project: Path, *arguments: str) -> str:
    """What a dvc command prints; it must succeed."""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    code, said, errors = warm_dvc(arguments, folder=project, environment=environment)
    assert code == 0, said + errors
    return said


def stages_run(output: str) -> list[str]:
    """The stages that `dvc repro` ran rather than skipped."""
    return re.findall(r"Running stage '(\w+)'", output)


def run_stages(project: Path, *stages: str) -> None:
    """Stages in this process, which has their imports already, where neither DVC nor a process is asked about."""
    with chdir(project):
        for stage in stages:
            import_module(f"deepfuse.stages.{stage}").main()


def results(project: Path, stage: str) -> dict[str, float]:
    """When each per-scene result of a stage was made."""
    while True:
        entries = (project / ".deepfuse/cache" / stage).glob("*/*/*")
        with suppress(FileNotFoundError):  # one got its final name meanwhile
            return {str(entry): entry.stat().st_mtime for entry in entries if entry.suffix in (".json", ".parquet")}


def outputs(project: Path, *stages: str) -> dict[str, str]:
    """The md5 of each output in dvc.lock."""
    lock = read_yaml(project / "dvc.lock")["stages"]
    return {out["path"]: out["md5"] for stage in stages or lock for out in lock[stage]["outs"]}


def scene(project: Path, stage: str, name: str) -> Scene:
    """What the manifest of a stage says of a scene."""
    return next(s for s in read_manifest(project / "data" / stage) if s.scene == name)


def set_params(project: Path, changes: Mapping[str, Mapping[str, object]]) -> None:
    path = project / "params.yaml"
    yaml = YAML()
    params = yaml.load(path.read_text())
    for section, values in changes.items():
        params[section].update(values)
    yaml.dump(params, path)


def add_scene(project: Path, name: str, seed: int, folder: str = "brackets") -> Path:
    radiance = textured_radiance(144, 192, seed)
    target = project / folder / name
    simulate_bracket(radiance, target, camera=CAMERAS[seed % 4], stops=(-3, 0, 3), seed=seed)
    return target


def make_project(project: Path) -> None:
    """A copy of this project, small, on brackets of its own."""
    project.mkdir()
    for name in ("dvc.yaml", "params.yaml", ".dvcignore"):
        shutil.copy(ROOT / name, project)
    for name in ("deepfuse", ".dvc"):
        shutil.copytree(ROOT / name, project / name, ignore=shutil.ignore_patterns("__pycache__", "cache", "tmp"))
    (project / "data/start").mkdir(parents=True)
    shutil.copy(ROOT / "data/start/.gitignore", project / "data/start")
    subprocess.run(["git", "init", "-q"], cwd=project, check=True)
    for seed, name in enumerate(SCENES):
        add_scene(project, name, seed)
    set_params(project, TINY)


def raw_project(project: Path) -> Path:
    """The project with its brackets in `data/raw`, as an installation has them."""
    (project / "brackets").rename(project / "data/raw")
    set_params(project, {"ingest": {"source": "data/raw"}})
    return project


def commit_all(project: Path) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    shutil.copy(ROOT / ".gitignore", project)
    shutil.copy(ROOT / "data/.gitignore", project / "data")
    subprocess.run(["git", "add", "."], cwd=project, check=True)
    subprocess.run(["git", *identity, "commit", "-qm", "start"], cwd=project, check=True)
