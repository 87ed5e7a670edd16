"""Colour and tone beside Mertens' fusion and enfuse: every measure on brackets, and the exact truth on radiance maps.

Brackets are reduced to 900 pixels, aligned, and kept in the cache. A radiance map is taken by an ideal camera of 8 bits
at three sets of stops, fused, and each pixel is held against what the same camera records at the exposure that gives it
the fused luma: mean distance in a and b of Oklab times 100, the share of the pixels over 8, and the ratio of chroma.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from shutil import which

import numpy as np
from fusion import fuse_enfuse
from tqdm import tqdm

from deepfuse import fuse, load_model, read_look
from deepfuse.alignment import align
from deepfuse.color import Float, Image, from_float, from_linear, luma, mean_luma, to_float
from deepfuse.errors import DeepfuseError
from deepfuse.evaluation import fuse_mertens
from deepfuse.metrics.oklab import oklab
from deepfuse.metrics.pictures import reduced
from deepfuse.metrics.reexposure import reexposed
from deepfuse.metrics.table import METRICS
from deepfuse.photo import read_photos
from deepfuse.simulation.camera import normalise_radiance, read_radiance
from deepfuse.split import split_of

Fuse = Callable[[Sequence[Image]], Image]
BRACKET_PX, RADIANCE_PX = 900, 640
STOPS = ((-4, 4), (-3, 0, 3), (-2, 0, 2))
HELD_BACK = {"val": 0.05, "test": 0.2, "salt": "c"}  # the split with which the shipped weights were trained
FAR = 8.0


def main() -> None:
    """Measure and print."""
    options = arguments()
    fusions = methods(options.model, options.look)
    rows = list(csv.DictReader((options.data / "manifest.csv").open()))
    figures: dict[str, dict[str, dict[str, float]]] = {}
    for exposures in ("extremes", "all"):
        scores = defaultdict(list)
        for _, frames in brackets(options.data, rows, options.cache, options.scenes):
            chosen = [frames[0], frames[-1]] if exposures == "extremes" else frames
            for name, method in fusions.items():
                fused = method(chosen)
                scores[name].append([metric.function(chosen, fused) for metric in METRICS])
        figures[exposures] = {
            name: dict(zip([metric.name for metric in METRICS], np.mean(values, 0).tolist(), strict=True))
            for name, values in scores.items()
        }
        table(f"{exposures}, {len(next(iter(scores.values()), []))} brackets", figures[exposures])
    for stops in STOPS:
        truths = defaultdict(list)
        for radiance in maps(options.data, rows, options.scenes):
            frames = [taken(radiance, stop) for stop in stops]
            for name, method in fusions.items():
                truths[name].append(truth(radiance, method(frames)))
        title = f"re-exposure of {len(next(iter(truths.values()), []))} radiance maps at {stops}"
        figures[title] = {
            name: dict(zip(("error", "over_8", "chroma"), np.mean(values, 0).tolist(), strict=True))
            for name, values in truths.items()
        }
        table(title, figures[title])
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1))


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="a folder with manifest.csv: split, kind, tier, scene_id and file")
    parser.add_argument("--cache", type=Path, default=Path(".deepfuse/benchmarks"), help="aligned brackets")
    parser.add_argument("--model", help="the network (default: the shipped one)")
    parser.add_argument("--look", default="neutral", help="of ours (default: neutral)")
    parser.add_argument("--scenes", default="*", help="only scenes of this pattern")
    parser.add_argument("--json", type=Path, help="write the figures there, too")
    return parser.parse_args()


def methods(model: str | None, look: str) -> dict[str, Fuse]:
    """The fusions by name; enfuse where it is installed."""
    ours = partial(fuse, model=load_model(model), quality="fast", controls=read_look(look))
    others = {"mertens": fuse_mertens, "enfuse": fuse_enfuse}
    return {"ours": ours, **{name: method for name, method in others.items() if name != "enfuse" or which("enfuse")}}


def brackets(
    data: Path, rows: list[dict[str, str]], cache: Path, pattern: str = "*"
) -> Iterator[tuple[str, list[Image]]]:
    """Scenes of split devtest, reduced, aligned, from dark to bright; what cannot be aligned is named and left out."""
    files = defaultdict(list)
    for row in rows:
        if row["split"] == "devtest" and row["kind"] in ("bracket", "raw_sim") and Path(row["scene_id"]).match(pattern):
            files[row["scene_id"]].append(data / row["file"])
    cache.mkdir(parents=True, exist_ok=True)
    for scene, paths in tqdm(files.items(), unit="scene"):
        kept = cache / f"{scene}.npy"
        try:
            if not kept.exists():
                np.save(kept, np.stack(prepared(paths)))
        except DeepfuseError as error:
            tqdm.write(f"{scene} is left out: {str(error)[:90]}")
            continue
        yield scene, list(np.load(kept))


def prepared(paths: Sequence[Path]) -> list[Image]:
    """The frames of a bracket: 8 bits, reduced, aligned, from dark to bright."""
    frames = [from_float(within(frame, BRACKET_PX), np.dtype(np.uint8)) for frame in read_photos(paths)]
    return sorted(align(frames).frames, key=mean_luma)


def within(image: Image, side_px: int) -> Float:
    """The picture with a longer side of at most that."""
    return reduced(image, side_px / max(image.shape[:2]))


def maps(data: Path, rows: list[dict[str, str]], pattern: str = "*") -> Iterator[Float]:
    """The radiance of panoramas that no training has seen."""
    for row in rows:
        scene = row["scene_id"]
        ingested = f"{scene}__{Path(row['file']).stem}"  # as stage `ingest` names a map in a folder of its own
        held_back = row["split"] == "devtest" or split_of(ingested, **HELD_BACK) == "test"
        if row["kind"] == "hdr_panorama" and held_back and Path(scene).match(pattern):
            yield within(normalise_radiance(read_radiance(data / row["file"])), RADIANCE_PX)


def taken(radiance: Float, stops: float) -> Image:
    """What an ideal camera of 8 bits records."""
    return from_float(from_linear(np.minimum(radiance * np.float32(2**stops), 1)), np.dtype(np.uint8))


def truth(radiance: Float, fused: Image) -> tuple[float, float, float]:
    """Error, share over 8, and chroma over the true one."""
    lit = radiance.max(-1) > 0
    got, true = (oklab(rgb)[lit][:, 1:] for rgb in (to_float(fused), reexposed(radiance, luma(to_float(fused)))))
    distance = 100 * np.hypot(*(got - true).T)
    chroma = float(np.hypot(*got.T).sum() / np.hypot(*true.T).sum())
    return float(distance.mean()), float((distance > FAR).mean()), chroma


def table(title: str, figures: dict[str, dict[str, float]]) -> None:
    """Print a measure a line; nothing without scenes."""
    if not figures:
        return
    print(f"\n{title}\n{'':24}" + "".join(f"{name:>10}" for name in figures))
    for name in next(iter(figures.values()), {}):
        print(f"{name:24}" + "".join(f"{values[name]:10.4f}" for values in figures.values()))


if __name__ == "__main__":
    main()
