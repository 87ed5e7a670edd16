"""What the pipeline costs as it grows: the same commands among a hundred, a thousand and ten thousand tiny brackets.

Each size gets a checkout of its own, in which everything is made once. Then, one by one, the commands of an
installation where nothing is new, what they do alone, and at last a run with one more bracket. A line each: processor
seconds, the memory of the largest process, bytes read and written. The processes that a command starts count; a mapped
file that is read does not. Elapsed time is not shown, for machines are shared.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from growth_tree import ALIGN, HOLLOW, MADE, add_scene, made_frames, make_checkout

ROOT = Path(__file__).parents[1]
MANIFESTS = """
from pathlib import Path
from deepfuse.manifest import read_manifest, write_manifest
for _ in range(10):
    write_manifest(Path("data/aligned"), list(read_manifest(Path("data/aligned"))))
"""
REGISTRY = """
from deepfuse import registry
from flows import pipeline
for _ in range(10):
    registry.version_tags(registry.champion_version())
    registry.published_version(pipeline.model_key())
"""
PAGE = """
from pathlib import Path
from deepfuse.evaluation import Score
from deepfuse.evaluation.report import report_page, scores_csv
from deepfuse.manifest import read_manifest
from deepfuse.metrics import table
one = Score(dict.fromkeys((metric.name for metric in table.METRICS), 0.5))
scenes = read_manifest(Path("data/aligned"))
scores = {scene.scene: {"model": one, "mertens": one, "average": one} for scene in scenes}
page = report_page(scores, [], {scene.scene: scene.moving for scene in scenes})
print(len(page) + len(scores_csv(scores)))
"""
LOOK = """
from deepfuse.imports import libraries_of
from deepfuse.incremental import scene_cache
from deepfuse.params import read_params
from deepfuse.stages import ingest
params = read_params()
cache = scene_cache("ingest", {}, params.libraries.installed(*libraries_of("ingest")))
print(len(ingest.group(params.ingest, cache.base_key).groups))
"""
QUESTIONS = """
from flows import pipeline, raw
raw.restore()
raw.record()
assert pipeline.up_to_date()
"""
DVC, LOOP = ("-m", "dvc"), ("-m", "flows")
COMMANDS: dict[str, tuple[str, ...]] = {
    "dvc repro, nothing new": (*DVC, "repro", "evaluate"),
    "retrain, nothing new": (*LOOP, "retrain"),
    "deepfuse brackets": ("-m", "deepfuse.cli", "brackets", "data/raw"),
    "deepfuse brackets, again": ("-m", "deepfuse.cli", "brackets", "data/raw"),
    "manifest, 10 × read and write": ("-c", MANIFESTS),
    "registry, 10 × two questions": ("-c", REGISTRY),
    "page and table, all scenes": ("-c", PAGE),
    "ingest, its look at all brackets": ("-c", LOOK),
    "retrain, its questions to DVC": ("-c", QUESTIONS),
    "dvc add data/raw": (*DVC, "add", "data/raw"),
    "dvc status data/raw.dvc": (*DVC, "status", "data/raw.dvc"),
    "dvc data status --granular": (*DVC, "data", "status", "--granular"),
}
ONE_MORE = "retrain, one scene more"
NEEDS_A_MODEL = {"retrain, nothing new", "registry, 10 × two questions", ONE_MORE}


@dataclass(frozen=True)
class Cost:
    """What a command took, with the processes that it started: seconds, and bytes."""

    processor: float
    memory: float
    read: float
    written: float


def main() -> None:
    """Make, measure, print."""
    options = arguments()
    with tempfile.TemporaryDirectory() if options.work is None else nullcontext(options.work) as folder:
        for scenes in options.scenes or (100, 1000):
            project = Path(folder).absolute() / f"scenes_{scenes}"
            for name, cost in steps(project, scenes, options):
                print(row(scenes, name, cost), flush=True)


def steps(project: Path, scenes: int, options: argparse.Namespace) -> Iterator[tuple[str, Cost]]:
    """The commands that were asked for, and what each took; in a folder that is there, another time."""
    if not project.exists():
        make_checkout(project, options.checkout, scenes)
        run(project, *DVC, "add", "data/raw")
        fill_hollow(project) if options.hollow else fill(project)
    left_out = NEEDS_A_MODEL if options.hollow else set()
    wanted = {name for name in (*COMMANDS, ONE_MORE) if options.only in name} - left_out
    for name in filter(wanted.__contains__, COMMANDS):
        yield name, measured(project, *COMMANDS[name])
    if ONE_MORE in wanted:
        count = len(list((project / "data/raw").iterdir()))
        add_scene(project / f"data/inbox/scene_{count:06}", count, made_frames())
        yield ONE_MORE, measured(project, *LOOP, "retrain")


def fill(project: Path) -> None:
    """Everything made, and made known."""
    run(project, *DVC, "repro", "ingest")
    run(project, "-c", ALIGN.format(made=MADE))
    for _ in range(2):
        run(project, *LOOP, "retrain")


def fill_hollow(project: Path) -> None:
    """Files of a few bytes in the place of what the stages make, as if they had."""
    run(project, "-c", HOLLOW)
    run(project, *DVC, "commit", "--force", "ingest", "align", "patch", "replay", "train", "evaluate")
    for name in ("ingest, its look at all brackets", "retrain, its questions to DVC"):
        run(project, *COMMANDS[name])


def measured(project: Path, *command: str) -> Cost:
    """What Python took for a command in the project."""
    before = _transferred()
    usage = run(project, *command)
    read, written = (after - earlier for after, earlier in zip(_transferred(), before, strict=True))
    return Cost(usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, read, written)


def run(project: Path, *command: str) -> resource.struct_rusage:
    """What Python and those that it waited for used, by the system's account."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    patient = {"PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "3600"}  # on a busy machine
    own = {"DEEPFUSE_CACHE": str(project / ".deepfuse/user")}
    environment = {**os.environ, **patient, **own, "PYTHONPATH": str(project), "PATH": path}
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen([sys.executable, *command], cwd=project, env=environment, stdout=said, stderr=said)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            sys.exit(f"{project}: {' '.join(command)}: {said.read()[-4000:]}")
    return usage


def _transferred() -> tuple[int, int]:
    """Bytes that this process and all that it waited for have read and written, be it of a disk or of its cache."""
    lines = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(lines["rchar"]), int(lines["wchar"])


def row(scenes: int, name: str, cost: Cost) -> str:
    """A line of a Markdown table; the last columns are the bytes a scene."""
    amounts = f"{cost.memory / 1e6:.0f} | {cost.read / 1e6:.1f} | {cost.written / 1e6:.1f}"
    each = f"{cost.processor / scenes * 1e3:.1f} | {cost.read / scenes / 1e3:.1f} | {cost.written / scenes / 1e3:.1f}"
    return f"| {scenes:,} | {name} | {cost.processor:.1f} | {amounts} | {each} |"


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, action="append", metavar="N", help="(default: 100, and 1000)")
    parser.add_argument("--checkout", type=Path, default=ROOT, help="another checkout than this one")
    parser.add_argument(
        "--work", type=Path, help="a folder that stays, to measure again in; a temporary one by default"
    )
    parser.add_argument("--hollow", action="store_true", help="make nothing, and measure what opens no frame")
    parser.add_argument("--only", default="", metavar="WORD", help="commands with this in their name")
    return parser.parse_args()


if __name__ == "__main__":
    main()
