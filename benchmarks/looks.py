"""The shipped looks beside the middle exposure, to be judged by eye: `python benchmarks/looks.py OUT FOLDER...`.

Each folder holds the frames of one bracket. A row a scene, a column a look; `--look FILE` adds looks of one's own.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np

from deepfuse import Controls, fuse, read_look
from deepfuse.bracket import PHOTO_SUFFIXES
from deepfuse.color import Image, mean_luma
from deepfuse.errors import DeepfuseError
from deepfuse.fusion.looks import look_names
from deepfuse.job.options import FuseOptions
from deepfuse.job.prepare import prepare
from deepfuse.photo import write_photo

ROWS = 4  # of one sheet
LABEL_PX = 26


def main() -> None:
    """One sheet for every few scenes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--look", action="append", default=[], help="a look's file")
    parser.add_argument("--width", type=int, default=450, help="of a tile, in pixels (default: 450)")
    options = parser.parse_args()
    looks = {Path(name).stem: read_look(name) for name in (*look_names(), *options.look)}
    options.out.mkdir(parents=True, exist_ok=True)
    for start in range(0, len(options.folders), ROWS):
        rows = [row(folder, looks, options.width) for folder in options.folders[start : start + ROWS]]
        write_photo(options.out / f"looks_{start // ROWS}.png", np.vstack(rows))


def row(folder: Path, looks: dict[str, Controls], width: int) -> Image:
    """The middle exposure and the scene in every look, side by side: (H, W, 3) uint8."""
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in PHOTO_SUFFIXES)
    try:
        frames = prepare(files, FuseOptions()).agreeing
    except DeepfuseError:
        frames = prepare(files, FuseOptions(align=False, deghost=False)).agreeing
    height = round(frames[0].shape[0] * width / frames[0].shape[1])
    small = [cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA) for frame in frames]
    tiles = {f"{folder.name}, middle": sorted(small, key=mean_luma)[len(small) // 2]}
    tiles |= {name: fuse(small, controls=look) for name, look in looks.items()}
    return np.hstack([labelled(tile, name) for name, tile in tiles.items()])


def labelled(tile: Image, text: str) -> Image:
    """A picture in 8 bits under its name."""
    eight = tile if tile.dtype == np.uint8 else (tile // 257).astype(np.uint8)
    label = np.full((LABEL_PX, eight.shape[1], 3), 255, np.uint8)
    cv2.putText(label, text, (4, LABEL_PX - 8), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0), 1, cv2.LINE_AA)
    return np.vstack([label, eight])


if __name__ == "__main__":
    main()
