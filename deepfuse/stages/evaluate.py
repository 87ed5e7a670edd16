"""Stage `evaluate`: whole pictures of the test split, the model beside Mertens' fusion and the plain average.

What is known of a scene and a method from an earlier run is not made again.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path

from tqdm import tqdm

from deepfuse.engine import each_scene, indispensable
from deepfuse.evaluation import Method, Score, Trial, held_out_scenes, methods, score_cache
from deepfuse.evaluation.report import contact_sheet, mean_scores, report_page, scores_csv
from deepfuse.files import link, write_json, write_text
from deepfuse.imports import libraries_of
from deepfuse.incremental import SceneCache, scene_cache
from deepfuse.manifest import Scene
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
    scenes = held_out_scenes(ALIGNED, params.split, params.evaluate.scenes)
    pictured = [scene.scene for scene in scenes[: params.evaluate.pictures]]
    methods_of_stage.cache_clear()  # an earlier run of this process had another model
    work = partial(evaluate_scene, pictured=pictured, exposures=params.evaluate.exposures, known=known, drawn=drawn)
    scored = tqdm(each_scene(scenes, work, refuse=indispensable), total=len(scenes), desc="evaluate", unit="scene")
    scores = {scene.scene: values for scene, values in zip(scenes, scored, strict=True)}
    for folder in (METRICS, OUT):
        folder.mkdir(parents=True, exist_ok=True)
    write_json(METRICS / "metrics.json", mean_scores(scores))
    write_text(METRICS / "scenes.csv", scores_csv(scores))
    write_text(OUT / "index.html", report_page(scores, pictured, {scene.scene: scene.moving for scene in scenes}))
    known.tidy(METRICS)
    drawn.tidy(OUT, unused_since=started)  # they are large, and DVC's cache has those of earlier runs


def evaluate_scene(
    scene: Scene, *, pictured: list[str], exposures: str, known: SceneCache, drawn: SceneCache
) -> dict[str, Score]:
    """The scores of one scene by method; its pictures are written where it is one of those `pictured`."""
    trial, ways = Trial(scene, ALIGNED, exposures=exposures), methods_of_stage()
    scores = {name: trial.score(method, known) for name, method in ways.items()}
    if scene.scene in pictured:
        write_pictures(scene.scene, trial, ways, drawn)
    return scores


@cache
def methods_of_stage() -> dict[str, Method]:
    """The trained model and its baselines, read once by each process of a run."""
    return methods(read_model(MODEL))


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
