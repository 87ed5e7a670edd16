"""Contact sheets to look at: a scene's frames beside ours, Mertens' fusion and enfuse; or blind, under letters.

Scenes are the held-back brackets of a folder with manifest.csv, or folders of frames.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from colour import brackets, methods, prepared

from deepfuse import fuse, load_model, read_look
from deepfuse.bracket import PHOTO_SUFFIXES
from deepfuse.color import Image
from deepfuse.errors import DeepfuseError
from deepfuse.evaluation.report import contact_sheet
from deepfuse.fusion.looks import look_names
from deepfuse.photo import write_photo


def main() -> None:
    """Write a sheet a scene, and the key of blind ones."""
    options = arguments()
    fusions = methods(options.model, options.look)
    for look in options.also:
        fusions[look] = partial(fuse, model=load_model(options.model), quality="fast", controls=read_look(look))
    rng, key = np.random.default_rng(options.blind), {}
    options.output.mkdir(parents=True, exist_ok=True)
    for scene, frames in scenes(options.folders, options.cache):
        chosen = [frames[0], frames[-1]] if options.extremes else frames
        names = list(fusions)
        if options.blind is not None:
            names = [names[index] for index in rng.permutation(len(names))]
            key[scene] = dict(zip("ABCDEFGH", names, strict=False))
        titles = list("ABCDEFGH") if options.blind is not None else names
        shown = [("darkest", chosen[0]), ("middle", chosen[len(chosen) // 2])] if options.few else enumerate(chosen, 1)
        pictures = {str(title): frame for title, frame in shown}
        pictures |= {title: fusions[name](chosen) for title, name in zip(titles, names, strict=False)}
        write_photo(options.output / f"{scene}.{options.kind}", sheet(pictures, options.columns))
        print(options.output / f"{scene}.{options.kind}", flush=True)
    if key:
        (options.output / "key.json").write_text(json.dumps(key, indent=1))


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path, help="folder of the sheets")
    parser.add_argument("folders", type=Path, nargs="+", help="with manifest.csv, or of one scene's frames")
    parser.add_argument("--cache", type=Path, default=Path(".deepfuse/benchmarks"), help="aligned brackets")
    parser.add_argument("--model", help="the network (default: the shipped one)")
    parser.add_argument("--look", default="neutral", help=f"of ours: {', '.join(look_names())} (default: neutral)")
    parser.add_argument("--also", nargs="*", default=[], help="further looks of ours, by name or file")
    parser.add_argument("--extremes", action="store_true", help="fuse the darkest and the brightest frame alone")
    parser.add_argument("--few", action="store_true", help="show the darkest and the middle frame alone")
    parser.add_argument("--blind", type=int, metavar="SEED", help="shuffle the fused ones, and write key.json")
    parser.add_argument("--columns", type=int, default=3, help="(default: 3)")
    parser.add_argument("--kind", choices=("jpg", "png"), default="jpg", help="of the sheets (default: jpg)")
    return parser.parse_args()


def scenes(folders: Sequence[Path], cache: Path) -> Iterator[tuple[str, list[Image]]]:
    """The scenes and their aligned frames, from dark to bright."""
    for folder in folders:
        if (manifest := folder / "manifest.csv").exists():
            yield from brackets(folder, list(csv.DictReader(manifest.open())), cache)
            continue
        try:
            yield (
                folder.name,
                prepared(sorted(path for path in folder.iterdir() if path.suffix.lower() in PHOTO_SUFFIXES)),
            )
        except DeepfuseError as error:
            print(f"{folder} is left out: {str(error)[:90]}")


def sheet(pictures: dict[str, Image], columns: int) -> Image:
    """Pictures of one size with their labels, in rows of so many."""
    labels = list(pictures)
    rows = [labels[start : start + columns] for start in range(0, len(labels), columns)]
    made = [contact_sheet({label: pictures[label] for label in row}) for row in rows]
    width = made[0].shape[1]
    return np.vstack([np.pad(row, ((0, 0), (0, width - row.shape[1]), (0, 0))) for row in made])


if __name__ == "__main__":
    main()
