"""Photos that arrive in a folder, a watch of it with a clock of its own, and batches."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from support.batches import shoot

from deepfuse.batch import Arrivals, Making, Pace, Watch, choices_now
from deepfuse.cli import main
from deepfuse.grouping import Grouping, find_brackets
from deepfuse.job.options import FuseOptions
from deepfuse.model import SHIPPED, weights_sha256
from deepfuse.photo import DEFAULT_LIMITS
from deepfuse.photo.isolated import Onlooker, ThisProcess

SETTLE_S = 3.0
BATCH = ["--format", "png", "--no-align", "--no-deghost", "--jobs", "1", "--json"]


class Watched:
    """A watch with a clock of its own."""

    def __init__(self, source: Path, output: Path) -> None:
        output.mkdir(exist_ok=True)
        self.now_s = 0.0
        making = Making(
            output=output,
            format="png",
            options=FuseOptions(align=False, deghost=False),
            model=SHIPPED,
            model_name="shipped",
            model_sha256=weights_sha256(SHIPPED),
        )

        def find(taken: object) -> Grouping:
            return find_brackets(source, taken=taken, looks=Onlooker(ThisProcess(), DEFAULT_LIMITS))  # type: ignore[arg-type]

        def jobs(found: Grouping) -> list[object]:
            brackets = [one.bracket for one in found.groups]
            now = replace(making, choices=choices_now(output, brackets))
            return [
                now.job(one.bracket.scene, one.bracket.files, evidence=one.evidence, why=one.why, warnings=())
                for one in found.groups
            ]

        self.watch = Watch(Arrivals(source, find, SETTLE_S), jobs, output, Pace(1, 300))  # type: ignore[arg-type]

    def look(self) -> list[tuple[str, str]]:
        return [(event.kind, event.scene) for event in self.watch.step(self.now_s)]

    def settled(self) -> list[tuple[str, str]]:
        """What happens by the time at which all that is there has settled."""
        before = self.look()
        self.now_s += SETTLE_S
        return before + self.look()


def put(folder: Path, name: str, seed: int, frames: Sequence[int] = (0, 1, 2)) -> None:
    """Frames of a bracket arrive, as NAME0.png and so on."""
    made = folder.parent / f"{name}{seed}"
    files = shoot(made, seed)
    folder.mkdir(exist_ok=True)
    for index in frames:
        shutil.copy(files[index], folder / f"{name}{index}.png")
    shutil.rmtree(made)


def batch(source: Path, output: Path, capsys: pytest.CaptureFixture[str], *more: str) -> dict[str, list[str]]:
    capsys.readouterr()
    main(["batch", str(source), "-o", str(output), *BATCH, *more])
    said: dict[str, list[str]] = json.loads(capsys.readouterr().out)
    return said
