"""A studio's month in an accelerated clock: brackets arrive day by day, real servers run the loop, faults happen.

Clones this checkout into a new folder, starts Prefect, MLflow, worker and watcher there by their own commands, and lets
brackets of another folder arrive in a watched one. Every night the deployment runs, as by its schedule. On some days
odd sets arrive too, the worker is killed in the middle of a run, the power fails (and `up` follows, as after a boot),
the DVC remote is away, or somebody writes into a photo that was taken in. Nothing else is done by hand. Every day the
champion is measured on scenes that never arrive.

Prints a line a day; exits with 1 if the champion's MEF-SSIM fell, or work was left lying. Stopped, it goes on in the
same folder with the day that was not ended.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass, fields
from itertools import pairwise
from pathlib import Path

from studio import Studio, open_studio, registry

FAULTS = {4: "odd sets", 8: "worker killed", 12: "remote away", 16: "power cut", 20: "photo written into"}
SHORT = {
    "ingest": {"source": "data/raw"},
    "patch": {"per_scene": 20},
    "train": {"epochs": 1},
    "evaluate": {"pictures": 2},
}
MEASURES = ("mef_ssim", "mef_ssim_c", "colour_error", "halo")


@dataclass
class Day:
    """What happened on one day."""

    day: int
    arrived: int
    fault: str
    runs: str
    quarantined: int
    versions: int
    champion: str
    mef_ssim: float
    mef_ssim_c: float
    colour_error: float
    halo: float
    alarms: int
    cpu_s: float
    disk_mb: float


def main() -> None:
    """Live through the days, print them, and write them as CSV."""
    options = arguments()
    rng = random.Random(options.seed)
    scenes = sorted(path for path in options.brackets.iterdir() if path.is_dir() and len(list(path.iterdir())) > 1)
    rng.shuffle(scenes)
    held_out, arriving = scenes[: options.held_out], scenes[options.held_out :]
    days = read_csv(options.work / "month.csv")
    studio = open_studio(options.work / "checkout", SHORT)
    measured: dict[str, dict[str, float]] = {}
    if not (options.work / "held_out").exists():
        align_held_out(held_out, options.work / "held_out")
    studio.start()
    try:
        for number in range(1, options.days + 1):
            count = min(len(arriving), options.stock if number == 1 else rng.choice((0, 1, 1, 2, 2, 3, 4)))
            chosen = [arriving.pop() for _ in range(count)]
            if number > len(days):
                days.append(live(studio, number, chosen, options.work, measured))
                write_csv(options.work / "month.csv", days)
                print_row(days[-1], header=number == 1)
    finally:
        studio.stop()
    fell = [b.day for a, b in pairwise(days) if b.mef_ssim < a.mef_ssim - 1e-9]
    lying = [path.name for path in (studio.folder / "data/inbox").glob("[!.]*")]
    print(f"alarms heard: {dict(Counter(text[:60] for text in studio.ear.heard))}")
    if fell or lying:
        sys.exit(f"the champion's MEF-SSIM fell on days {fell}; left lying: {lying}")


def live(studio: Studio, number: int, chosen: list[Path], work: Path, measured: dict[str, dict[str, float]]) -> Day:
    """One day: arrivals, perhaps a fault, a night, and what came of it."""
    fault = FAULTS.get(number, "")
    heard, spent, before = len(studio.ear.heard), studio.meter.seconds(), {run["id"] for run in studio.runs()}
    for scene in chosen:
        if not (studio.folder / "data/raw" / f"{number:02d}_{scene.name}").exists():  # of a day that was not ended
            shutil.copytree(scene, studio.folder / "data/incoming" / f"{number:02d}_{scene.name}")
    happen(studio, fault, number, chosen, work)
    studio.settle()
    if fault == "remote away":
        (work / "remote").unlink()
        (work / "away").rename(work / "remote")
    studio.night()
    studio.settle()
    ended = Counter(run["state_type"].lower() for run in studio.runs() if run["id"] not in before)
    versions, champion, _ = registry(studio)
    scores = measured.get(champion) or (measure(studio, champion, work / "held_out") if champion else {})
    measured[champion] = scores
    return Day(
        day=number,
        arrived=len(chosen),
        fault=fault,
        runs=" ".join(f"{name} {times}" for name, times in sorted(ended.items())),
        quarantined=len(list((studio.folder / "data/quarantine").glob("*/reason.json"))),
        versions=versions,
        champion=champion,
        **{name: scores.get(name, 0.0) for name in MEASURES},
        alarms=len(studio.ear.heard) - heard,
        cpu_s=studio.meter.seconds() - spent,
        disk_mb=disk_mb(work),
    )


def happen(studio: Studio, fault: str, number: int, chosen: list[Path], work: Path) -> None:
    """Let a fault befall the studio."""
    incoming = studio.folder / "data/incoming"
    if fault == "odd sets":
        cut = incoming / "cut_short"
        shutil.copytree(chosen[0] if chosen else next(iter(work.glob("held_out/raw/*"))), cut)
        photo = max(cut.iterdir(), key=lambda path: path.stat().st_size)
        photo.write_bytes(photo.read_bytes()[: photo.stat().st_size // 3])
        lone = incoming / "lone"
        lone.mkdir()
        shutil.copy(next(path for path in cut.iterdir() if path != photo), lone)
    elif fault == "remote away":
        (work / "remote").rename(work / "away")
        (work / "remote").touch()  # DVC would make a folder anew
    elif fault == "photo written into":
        photo = next(path for path in sorted((studio.folder / "data/raw").rglob("*")) if path.is_file())
        content = photo.read_bytes()
        photo.unlink()
        photo.write_bytes(content + b"damage")
    elif fault in ("worker killed", "power cut"):
        wait_for_training(studio)
        if fault == "worker killed":
            for process in studio.meter.processes("prefect worker start"):
                process.kill()
        else:
            studio.cut_power()
        studio.start()


def wait_for_training(studio: Studio, most_s: float = 600) -> None:
    """Wait until a stage runs, or give up where nothing arrived that would make one run."""
    deadline = time.monotonic() + most_s
    while not studio.meter.processes("deepfuse.stages.train") and time.monotonic() < deadline:
        time.sleep(1)


def align_held_out(scenes: list[Path], folder: Path) -> None:
    """Put the aligned frames of scenes that never arrive into a folder, with their manifest."""
    for scene in scenes:
        shutil.copytree(scene, folder / "raw" / scene.name)
    code = "from pathlib import Path; from deepfuse.stages import ingest, align; ingest.main(); align.main()"
    project = folder / "project"
    subprocess.run(["git", "clone", "-q", Path(__file__).parents[1], project], check=True)
    text = (project / "params.yaml").read_text().replace("source: data/sample", f"source: {folder / 'raw'}")
    (project / "params.yaml").write_text(text)
    subprocess.run([sys.executable, "-c", code], cwd=project, check=True)


def measure(studio: Studio, champion: str, held_out: Path) -> dict[str, float]:
    """The champion's mean measures on the scenes that never arrive."""
    code = (
        "import json, sys\nfrom pathlib import Path\nfrom statistics import fmean\nfrom deepfuse import registry\n"
        "from deepfuse.evaluation import score_cache, score_scenes\nfrom deepfuse.manifest import read_manifest\n"
        "from deepfuse.params import read_params\ncache = score_cache(read_params().libraries)\n"
        "aligned = Path(sys.argv[2])\nscenes = [scene for scene in read_manifest(aligned) if scene.ok]\n"
        "model = registry.load_model(f'models:/{registry.model_name()}/{sys.argv[1]}')\n"
        "scores = score_scenes(model, scenes, aligned, exposures='extremes', cache=cache).values()\n"
        f"print(json.dumps({{name: fmean(s[name] for s in scores) for name in {MEASURES!r}}}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, champion, held_out / "project/data/aligned"],
        cwd=studio.folder,
        env={**studio.environment, **studio.api},
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def disk_mb(folder: Path) -> float:
    """What the studio and its remote take, a file with several names once."""
    known = {(found.st_dev, found.st_ino): found.st_size for path in folder.rglob("*") if (found := path.lstat())}
    return sum(known.values()) / 1e6


def print_row(day: Day, *, header: bool) -> None:
    """A line of a Markdown table."""
    values = asdict(day)
    if header:
        print("| " + " | ".join(values) + " |\n|" + "---|" * len(values))
    shown = [f"{value:.4f}" if name in MEASURES else f"{value:.0f}" if isinstance(value, float) else str(value)
             for name, value in values.items()]  # fmt: skip
    print("| " + " | ".join(shown) + " |", flush=True)


def read_csv(path: Path) -> list[Day]:
    """The days that were lived before."""
    if not path.is_file():
        return []
    kinds = {field.name: {"int": int, "float": float, "str": str}[str(field.type)] for field in fields(Day)}
    with path.open(newline="", encoding="utf-8") as file:
        return [Day(**{name: kinds[name](text) for name, text in row.items()}) for row in csv.DictReader(file)]


def write_csv(path: Path, days: list[Day]) -> None:
    """The days as they are, unrounded."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Day)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(day) for day in days)


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("brackets", type=Path, help="a folder of folders of frames")
    parser.add_argument("--work", type=Path, required=True, help="a new folder for the studio and its remote")
    parser.add_argument("--days", type=int, default=30, help="(default: %(default)s)")
    parser.add_argument("--held-out", type=int, default=12, help="scenes to measure on (default: %(default)s)")
    parser.add_argument("--stock", type=int, default=16, help="brackets of the first day (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of what arrives when (default: %(default)s)")
    options = parser.parse_args()
    options.work = options.work.absolute()
    return options


if __name__ == "__main__":
    main()
