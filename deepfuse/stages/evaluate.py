"""Stage `evaluate`: whole pictures of the test split, the model beside Mertens' fusion and the plain average."""

from __future__ import annotations

from pathlib import Path

from tqdm import tqdm

from deepfuse.color import Image
from deepfuse.evaluation import Score, aligned_frames, held_out_scenes, methods, score
from deepfuse.evaluation.report import contact_sheet, mean_scores, report_page, scores_csv
from deepfuse.files import write_json, write_text
from deepfuse.imports import libraries_of
from deepfuse.model import read_model
from deepfuse.params import read_params
from deepfuse.photo import write_photo

ALIGNED = Path("data/aligned")
MODEL = Path("data/model")
OUT = Path("data/report")
METRICS = Path("data/metrics")


def main() -> None:
    """Write `metrics.json` and `scenes.csv` for git to keep, the fused pictures, contact sheets and `index.html`."""
    params = read_params()
    params.libraries.installed(*libraries_of("evaluate"))
    fusions = methods(read_model(MODEL))
    scores: dict[str, dict[str, Score]] = {}
    scenes = held_out_scenes(ALIGNED, **params.split.model_dump())
    pictured = [scene.scene for scene in scenes[: params.evaluate.pictures]]
    for scene in tqdm(scenes, desc="evaluate", unit="scene"):
        frames = aligned_frames(scene, ALIGNED, exposures=params.evaluate.exposures)
        fused = {method: fuse(frames) for method, fuse in fusions.items()}
        scores[scene.scene] = {method: score(frames, picture) for method, picture in fused.items()}
        if scene.scene in pictured:
            write_pictures(scene.scene, frames, fused)
    for folder in (METRICS, OUT):
        folder.mkdir(parents=True, exist_ok=True)
    write_json(METRICS / "metrics.json", mean_scores(scores))
    write_text(METRICS / "scenes.csv", scores_csv(scores))
    write_text(OUT / "index.html", report_page(scores, pictured, {scene.scene: scene.moving for scene in scenes}))


def write_pictures(scene: str, frames: list[Image], fused: dict[str, Image]) -> None:
    """The model's picture in full, and a sheet of the frames beside every method's result."""
    for folder in (OUT / "fused", OUT / "sheets"):
        folder.mkdir(parents=True, exist_ok=True)
    write_photo(OUT / "fused" / f"{scene}.tif", fused["model"])
    labelled = {"darkest": frames[0], "brightest": frames[-1], **fused}
    write_photo(OUT / "sheets" / f"{scene}.jpg", contact_sheet(labelled))


if __name__ == "__main__":
    main()
