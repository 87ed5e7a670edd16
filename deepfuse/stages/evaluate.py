"""Stage `evaluate`: whole pictures of the test split, the model beside Mertens' fusion and the plain average.

What is known of a scene and a method from an earlier run is not made again.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from tqdm import tqdm

from deepfuse.evaluation import Method, Score, Trial, held_out_scenes, methods, score_cache
from deepfuse.evaluation.report import contact_sheet, mean_scores, report_page, scores_csv
from deepfuse.files import link, write_json, write_text
from deepfuse.imports import libraries_of
from deepfuse.incremental import SceneCache, scene_cache
from deepfuse.model import read_model
from deepfuse.params import read_params
from deepfuse.photo import write_photo

ALIGNED = Path("data/aligned")
MODEL = Path("data/model")
OUT = Path("data/report")
METRICS = Path("data/metrics")
FUSED, SHEET = "fused.tif", "sheet.jpg"


def main() -> None:
    """Write `metrics.json` and `scenes.csv` for git to keep, the fused pictures, contact sheets and `index.html`."""
    started = time.time()
    params = read_params()
    known = score_cache(params.libraries)
    drawn = scene_cache("evaluate", {}, params.libraries.installed(*libraries_of("evaluate")))
    ways = methods(read_model(MODEL))
    scores: dict[str, dict[str, Score]] = {}
    scenes = held_out_scenes(ALIGNED, **params.split.model_dump())
    pictured = [scene.scene for scene in scenes[: params.evaluate.pictures]]
    for scene in tqdm(scenes, desc="evaluate", unit="scene"):
        trial = Trial(scene, ALIGNED, exposures=params.evaluate.exposures)
        scores[scene.scene] = {name: trial.score(method, known) for name, method in ways.items()}
        if scene.scene in pictured:
            write_pictures(scene.scene, trial, ways, drawn)
    for folder in (METRICS, OUT):
        folder.mkdir(parents=True, exist_ok=True)
    write_json(METRICS / "metrics.json", mean_scores(scores))
    write_text(METRICS / "scenes.csv", scores_csv(scores))
    write_text(OUT / "index.html", report_page(scores, pictured, {scene.scene: scene.moving for scene in scenes}))
    known.tidy(METRICS)
    drawn.tidy(OUT, unused_since=started)  # they are large, and DVC's cache has those of earlier runs


def write_pictures(scene: str, trial: Trial, ways: Mapping[str, Method], cache: SceneCache) -> None:
    """The model's picture in full, and a sheet of the frames beside every method's result."""
    identities = [[name, *method.identity] for name, method in ways.items()]
    made = cache.folder([trial.identity, identities], partial(draw, trial, ways))
    link(made / FUSED, OUT / "fused" / f"{scene}.tif")
    link(made / SHEET, OUT / "sheets" / f"{scene}.jpg")


def draw(trial: Trial, ways: Mapping[str, Method], folder: Path) -> None:
    """Fuse what the scores have not fused, and write both pictures into `folder`."""
    fused = {name: trial.fused(method) for name, method in ways.items()}
    write_photo(folder / FUSED, fused["model"])
    write_photo(folder / SHEET, contact_sheet({"darkest": trial.frames[0], "brightest": trial.frames[-1], **fused}))


if __name__ == "__main__":
    main()
