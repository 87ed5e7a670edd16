"""What one more scene costs among many: processor seconds and bytes that DVC stores, of one checkout beside others.

Each checkout gets the same simulated scenes, small, and runs once. Then, measured: a run with nothing new; the champion
scored again, as the gate does; and a run with one more scene, once to test and once to train on. Elapsed time is not
shown, for machines are shared. Name an older checkout beside this one to see what changed, and trust the ratios.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ruamel.yaml import YAML

from deepfuse.simulation.camera import CAMERAS, simulate_bracket
from deepfuse.simulation.scenery import render_scene
from deepfuse.split import split_of

HERE = Path(__file__).parents[1]
SPLIT = {"val": 0.1, "test": 0.4, "salt": ""}
PARAMS = {
    "ingest": {"source": "brackets"},
    "split": SPLIT,
    "patch": {"size_px": 64, "per_scene": 20},
    "train": {"epochs": 1, "batch_size": 8},
}
CHAMPION = """
from pathlib import Path
from deepfuse import evaluation
from deepfuse.model import read_model
from deepfuse.params import read_params
params = read_params()
options = {"cache": evaluation.score_cache(params.libraries)} if hasattr(evaluation, "score_cache") else {}
aligned = Path("data/aligned")
scenes = evaluation.held_out_scenes(aligned, **params.split.model_dump())
evaluation.score_scenes(read_model(Path("champion")), scenes, aligned, exposures="extremes", **options)
"""


def main() -> None:
    """Measure and print."""
    options = arguments()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        brackets = Path(folder) / "brackets"
        for index in range(options.scenes):
            add_scene(brackets, f"scene_{index:04}", index, options.size)
        for number, checkout in enumerate([*options.beside, HERE]):
            project = Path(folder) / f"project_{number}"
            prepare(project, checkout, brackets)
            run(project, checkout, "-m", "dvc", "repro", "evaluate")
            print(f"{checkout}, {options.scenes} scenes", flush=True)
            for name, seconds, stored in steps(project, checkout, options.size):
                print(f"  {name:32} {seconds:7.1f} processor seconds {stored / 1e6:8.2f} MB stored", flush=True)


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, default=100)
    parser.add_argument("--size", type=int, default=128, help="pixels of a scene's smaller side")
    parser.add_argument("--beside", type=Path, action="append", default=[], metavar="CHECKOUT", help="another checkout")
    parser.add_argument("--folder", type=Path, help="where to work, a temporary folder of the system by default")
    return parser.parse_args()


def add_scene(brackets: Path, name: str, seed: int, size: int) -> None:
    """A simulated bracket of three exposures."""
    radiance = render_scene(seed, width=size * 3 // 2, height=size)
    simulate_bracket(radiance, brackets / name, camera=CAMERAS[seed % len(CAMERAS)], stops=(-3, 0, 3), seed=seed)


def prepare(project: Path, checkout: Path, brackets: Path) -> None:
    """A copy of a checkout with the brackets, and the shipped weights as its champion."""
    project.mkdir()
    for name in ("dvc.yaml", "params.yaml", ".dvcignore"):
        shutil.copy(checkout / name, project)
    for name in ("deepfuse", ".dvc"):
        shutil.copytree(checkout / name, project / name, ignore=shutil.ignore_patterns("__pycache__", "cache", "tmp"))
    shutil.copytree(brackets, project / "brackets")
    shutil.copytree(checkout / "deepfuse/weights", project / "champion")
    subprocess.run(["git", "init", "-q"], cwd=project, check=True)
    yaml = YAML()
    params = yaml.load((project / "params.yaml").read_text())
    for section, values in PARAMS.items():
        params[section].update(values)
    yaml.dump(params, project / "params.yaml")


def steps(project: Path, checkout: Path, size: int) -> Iterator[tuple[str, float, int]]:
    """What each step took, and the bytes that DVC's cache grew by."""
    run(project, checkout, "-c", CHAMPION)
    yield "nothing new", *measured(project, checkout, "-m", "dvc", "repro", "evaluate")
    for split in ("test", "train"):
        name = next(f"new_{n}" for n in range(999) if split_of(f"new_{n}", **SPLIT) == split)
        add_scene(project / "brackets", name, 7777, size)
        yield f"one scene more to {split} on", *measured(project, checkout, "-m", "dvc", "repro", "evaluate")
        yield "  the champion's scores after it", *measured(project, checkout, "-c", CHAMPION)


def measured(project: Path, checkout: Path, *command: str) -> tuple[float, int]:
    """The processor seconds of a command, its children's too, and the bytes that DVC's cache grew by."""
    seconds, stored = spent(), cached(project)
    run(project, checkout, *command)
    return spent() - seconds, cached(project) - stored


def run(project: Path, checkout: Path, *command: str) -> None:
    """Python in the project, with the checkout's code."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PYTHONPATH": str(project), "PATH": path}
    done = subprocess.run([sys.executable, *command], cwd=project, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{checkout}: {' '.join(command[:3])}: {done.stdout[-2000:]}{done.stderr[-2000:]}")


def spent() -> float:
    """Processor seconds of all children that ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def cached(project: Path) -> int:
    """Bytes in DVC's cache of this project."""
    return sum(path.stat().st_size for path in (project / ".dvc/cache").rglob("*") if path.is_file())


if __name__ == "__main__":
    main()
