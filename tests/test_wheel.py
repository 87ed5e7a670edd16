"""The package as photographers install it: its wheel in an environment without the loop, away from the checkout."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import venv
from dataclasses import asdict
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

import numpy as np
import pytest
from support.pictures import Picture
from support.projects import ROOT

from deepfuse.fusion.looks import read_look
from deepfuse.model import SHIPPED
from deepfuse.photo import read_photo, write_photo

BUILD = "from setuptools.build_meta import build_wheel; print(build_wheel({!r}))"
LOOP = "dvc fastapi flows mlflow prefect pyarrow pydantic ruamel.yaml sqlalchemy".split()
MISSING = f"""\
for name in {LOOP}:
    try:
        __import__(name)
        print(name)
    except ModuleNotFoundError:
        pass
"""


def requirements(package: Distribution) -> set[str]:
    """The distributions that one needs without its extras."""
    return {re.split(r"[^\w.-]", line)[0] for line in package.requires or () if "extra ==" not in line}


def closure(names: set[str]) -> set[str]:
    """The same and what these need, of what is installed here; the others are for other platforms."""
    found: set[str] = set()
    while names:
        name = names.pop()
        try:
            needed = requirements(distribution(name))
        except PackageNotFoundError:
            continue
        found.add(name)
        names |= needed - found
    return found


def link(name: str, target: Path) -> None:
    """Have a distribution of this environment in another folder of packages."""
    installed = distribution(name)
    tops = {file.parts[0] for file in installed.files or ()} - {"..", "__pycache__"}
    for top in tops:
        if not (target / top).exists():
            (target / top).symlink_to(str(installed.locate_file(top)))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy: setuptools leaves files beside its sources."""
    source, target = (tmp_path_factory.mktemp(name) for name in ("source", "dist"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in ("deepfuse", "flows"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    done = subprocess.run([sys.executable, "-c", BUILD.format(str(target))], cwd=source, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return target / done.stdout.split()[-1]


@pytest.fixture(scope="module")
def clean(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment that holds the wheel and what it needs without extras."""
    folder = tmp_path_factory.mktemp("clean")
    venv.create(folder, symlinks=True)
    install = ["install", "--quiet", "--no-deps", "--no-index", "--disable-pip-version-check", str(wheel)]
    python = folder / "bin" / "python"
    subprocess.run([sys.executable, "-m", "pip", "--python", str(python), *install], check=True)
    [packages] = folder.glob("lib/python*/site-packages")
    [installed] = packages.glob("deepfuse-*.dist-info")
    for name in closure(requirements(Distribution.at(installed))):
        link(name, packages)
    return folder / "bin"


def run(*command: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


@pytest.fixture
def photos(bracket: list[Picture], tmp_path: Path) -> Path:
    """A folder with two JPEGs."""
    for name, frame in zip("ab", bracket[1:], strict=True):
        write_photo(tmp_path / f"{name}.jpg", (frame >> 8).astype(np.uint8))
    return tmp_path


def test_the_wheel_fuses_without_the_loop(clean: Path, photos: Path) -> None:
    there = run(clean / "python", "-c", MISSING, folder=photos)
    assert (there.returncode, there.stdout) == (0, ""), there.stderr
    done = run(clean / "deepfuse", "fuse", "a.jpg", "b.jpg", "-o", "c.jpg", "--json", "--look", "night", folder=photos)
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert record["controls"] == asdict(read_look("night")), "the looks come with it"
    assert record["model_sha256"] == json.loads((SHIPPED / "config.json").read_text())["sha256"]
    assert read_photo(photos / "c.jpg").shape == (record["height"], record["width"], 3)
    where = run(clean / "python", "-c", "import deepfuse; print(deepfuse.__file__)", folder=photos)
    assert where.stdout.startswith(str(clean.parent))


@pytest.mark.parametrize(
    "command",
    [
        ["align", "a.jpg", "b.jpg", "-o", "aligned"],
        ["brackets", "."],
        ["batch", "shots", "-o", "fused", "--frames", "2"],
        ["score", "b.jpg", "a.jpg", "b.jpg"],
    ],
    ids=lambda command: command[0],
)
def test_every_command_of_a_photographer_works_there(clean: Path, photos: Path, command: list[str]) -> None:
    (photos / "shots").mkdir()
    for name in ("a.jpg", "b.jpg"):
        shutil.copy(photos / name, photos / "shots")
    done = run(clean / "deepfuse", *command, folder=photos)
    assert done.returncode == 0, done.stderr + done.stdout
    assert done.stdout


def test_what_is_missing_is_said_in_one_line(clean: Path, photos: Path) -> None:
    light = ["fuse", "a.jpg", "b.jpg", "-o", "c.exr"]
    for command, extra in ((["models"], "loop"), (["web", "--no-browser"], "web"), (light, "hdr")):
        done = run(clean / "deepfuse", *command, folder=photos)
        assert (done.returncode, done.stderr.count("\n")) == (5, 1)
        assert f"pip install 'deepfuse[{extra}]'" in done.stderr
    without = "import sys; sys.modules['torch'] = None; from deepfuse.cli import main; sys.exit(main(sys.argv[1:]))"
    done = run(clean / "python", "-c", without, "fuse", "a.jpg", "b.jpg", "-o", "c.jpg", folder=photos)
    assert (done.returncode, done.stderr.count("\n")) == (5, 1)
    assert "torch is not installed: pip install torch" in done.stderr
    assert not (photos / "c.jpg").exists()
