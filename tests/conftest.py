"""What several test files share: small pictures made here."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from ruamel.yaml import YAML

from deepfuse.camera import CAMERAS, simulate_bracket
from deepfuse.model import Network, build_model
from deepfuse.photo import write_photo

Picture = NDArray[np.uint16]


def textured_radiance(height: int, width: int, seed: int = 0) -> NDArray[np.float32]:
    """Coloured blocks of many sizes under light that spans ten stops: (H, W, 3), linear."""
    rng = np.random.default_rng(seed)
    picture = np.ones((height, width, 3), np.float32)
    for _ in range(400):
        y, x = rng.integers(0, height), rng.integers(0, width)
        size = int(3 / np.sqrt(rng.uniform(0.002, 1)))
        picture[y : y + size, x : x + size] = rng.uniform(0.1, 1, 3)
    light = 2.0 ** np.linspace(-5, 5, width, dtype=np.float32)
    return picture * light[None, :, None] * 0.2


def expose(radiance: NDArray[np.float32], stops: float) -> Picture:
    """A noise-free frame in 16 bits, sRGB-encoded."""
    linear = np.clip(radiance * 2.0**stops, 0, 1)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.rint(encoded * 65535).astype(np.uint16)


@pytest.fixture(scope="session", autouse=True)
def interruptible() -> None:
    """A shell's background jobs ignore SIGINT, and so would every process that a test starts and interrupts."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def bracket() -> list[Picture]:
    """Three aligned frames (120, 160, 3), uint16, at -3, 0 and +3 stops."""
    radiance = textured_radiance(120, 160)
    return [expose(radiance, stops) for stops in (-3, 0, 3)]


@pytest.fixture
def files(tmp_path: Path, bracket: list[np.ndarray]) -> list[str]:
    """The bracket as TIFFs of 16 bits."""
    paths = [tmp_path / f"{name}.tif" for name in ("dark", "middle", "bright")]
    for path, frame in zip(paths, bracket, strict=True):
        write_photo(path, frame)
    return [str(path) for path in paths]


def random_model(seed: int, arch: str = "paper", *, noise: float = 0.02) -> Network:
    """A network none of whose weights is zero: fresh ones only average."""
    torch.manual_seed(seed)
    model = build_model(arch).eval().requires_grad_(False)
    for parameter in model.parameters():
        parameter += noise * torch.randn_like(parameter)
    return model


ROOT = Path(__file__).parents[1]
SCENES = ("attic", "barn", "cave", "dune", "elm")
TINY = {
    "ingest": {"source": "brackets"},
    "split": {"val": 0.2, "test": 0.3, "salt": "h"},
    "patch": {"size_px": 44, "per_scene": 24},
    "train": {"epochs": 3, "batch_size": 8, "precision": "float32"},
}


def run_dvc(project: Path, *arguments: str) -> str:
    """What a dvc command prints; it must succeed."""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        [Path(sys.executable).parent / "dvc", *arguments], cwd=project, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def stages_run(output: str) -> list[str]:
    """The stages that `dvc repro` ran rather than skipped."""
    return re.findall(r"Running stage '(\w+)'", output)


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
    subprocess.run(["git", "init", "-q"], cwd=project, check=True)
    for seed, name in enumerate(SCENES):
        add_scene(project, name, seed)
    set_params(project, TINY)


@pytest.fixture(scope="session")
def finished_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small project after `dvc repro evaluate`. Not to be changed."""
    project = tmp_path_factory.mktemp("finished") / "project"
    make_project(project)
    assert stages_run(run_dvc(project, "repro", "evaluate")) == ["ingest", "align", "patch", "train", "evaluate"]
    return project


@pytest.fixture
def project(finished_project: Path, tmp_path: Path) -> Path:
    """A copy of the finished project that a test may change."""
    return Path(shutil.copytree(finished_project, tmp_path / "project", symlinks=True))


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


@pytest.fixture(scope="session")
def empty_registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with its tables, which take seconds to make."""
    path = tmp_path_factory.mktemp("empty") / "mlflow.db"
    code = f"import mlflow; mlflow.set_tracking_uri('sqlite:///{path}'); mlflow.MlflowClient().search_experiments()"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    return path


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory of its own, with no tracking server named."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def database(empty_registry: Path, workplace: Path) -> Path:
    """The sqlite MLflow of the working directory."""
    return Path(shutil.copy(empty_registry, workplace))
