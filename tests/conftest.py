"""Fixtures that several test files share."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

# Before torch is imported: its threads must not spin while they wait, for other processes need the cores.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ["DEEPFUSE_RECORDS"] = "off"  # what tests fuse is nobody's work
os.environ["DEEPFUSE_CONFIG"] = ""  # that of who runs them says nothing here
os.environ["DEEPFUSE_CACHE"] = ""  # what tests look at is looked at
os.environ.setdefault("DEEPFUSE_JOBS", "1")  # of a few tiny scenes a second worker takes longer to start than to do

from support.pictures import Picture, expose, textured_radiance
from support.projects import make_project, run_dvc, stages_run
from support.sharing import shared
from support.warm import warm_pool

from deepfuse.photo import write_photo

# The same examples in every run, however busy the machine is.
settings.register_profile(
    "repeatable", derandomize=True, deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("repeatable")


# Files of tests that take longest, the longest first: what is left for the end is short, and no process is idle then.
LONGEST = """
    test_flows test_hostile test_services test_golden test_killed_stages test_batch test_caches test_serving
    test_publishing test_pipeline test_shared_server test_wheel test_sweep test_new_network test_backup test_kept_raw
    test_unaligned test_alignment_evidence test_registry test_reproducing test_process test_cli_output test_cli_crop
    test_rivals test_training test_bad_inputs test_still test_workers
""".split()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.stem, len(places)))


@pytest.fixture(scope="session", autouse=True)
def interruptible() -> None:
    """A shell's background jobs ignore SIGINT, and so would every process that a test starts and interrupts."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def warm_workers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers that are copied rather than started, but in the tests of workers themselves."""
    if request.path.stem != "test_workers":
        monkeypatch.setattr("pebble.ProcessPool", warm_pool)


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


@pytest.fixture(scope="session")
def finished_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small project after `dvc repro evaluate`. Not to be changed."""

    def make(folder: Path) -> None:
        make_project(folder / "project")
        stages = {"ingest", "align", "patch", "replay", "train", "evaluate"}
        assert set(stages_run(run_dvc(folder / "project", "repro", "evaluate"))) == stages

    return shared(tmp_path_factory, "finished", make) / "project"


@pytest.fixture
def project(finished_project: Path, tmp_path: Path) -> Path:
    """A copy of the finished project that a test may change."""
    return Path(shutil.copytree(finished_project, tmp_path / "project", symlinks=True))


@pytest.fixture(scope="session")
def empty_registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with its tables, which take seconds to make."""

    def make(folder: Path) -> None:
        uri = f"sqlite:///{folder}/mlflow.db"
        code = f"import mlflow; mlflow.set_tracking_uri('{uri}'); mlflow.MlflowClient().search_experiments()"
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)

    return shared(tmp_path_factory, "empty", make) / "mlflow.db"


@pytest.fixture
def small_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reference set of two small brackets of a wood, which is rendered in no time."""
    from deepfuse.evaluation import reference_scenes

    for name, value in {"SEEDS": (20170003,), "WIDTH_PX": 208, "HEIGHT_PX": 96}.items():
        monkeypatch.setattr(reference_scenes, name, value)


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
