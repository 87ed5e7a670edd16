"""Make the pictures of controls.md from the sample, in the folder of this file.

The sample is there after `dvc repro sample` or `make demo`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np

from deepfuse import Controls, fuse, read_look, read_photo
from deepfuse.color import Image
from deepfuse.photo import Encoding, write_photo

SAMPLE = Path("data/sample")
TILE_PX = (288, 192)
GAP_PX = 5
STRIPS = {
    "strength": ("scene_03", [Controls(strength=value) for value in (0, 0.5, 1)]),
    "exposure": ("scene_09", [Controls(exposure_ev=value) for value in (-1, 0, 1)]),
    "saturation": ("scene_03", [Controls(saturation=value) for value in (0, 1, 1.5)]),
    "highlights": ("scene_06", [Controls(highlights=value) for value in (0, 0.5, 1)]),
    "shadows": ("scene_03", [Controls(shadows=value) for value in (0, 0.5, 1)]),
    "points": ("scene_09", [Controls(black_point=0.15), Controls(), Controls(white_point=0.85)]),
    "contrast": ("scene_09", [Controls(contrast=value) for value in (-0.6, 0, 0.6)]),
    "temperature": ("scene_03", [Controls(temperature=value) for value in (-40, 0, 40)]),
    "looks": ("scene_03", [read_look(name) for name in ("natural", "punchy", "real-estate", "night")]),
}


def main() -> None:
    """One strip of pictures a control."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    for name, (scene, looks) in STRIPS.items():
        frames = [read_photo(path) for path in sorted((SAMPLE / scene).glob("*.dng"))]
        write_photo(Path(__file__).with_name(f"{name}.jpg"), strip(frames, looks), encoding=Encoding(jpeg_quality=80))


def strip(frames: list[Image], looks: list[Controls]) -> Image:
    """One scene in several looks, side by side on white: (H, W, 3) uint8."""
    gap = np.full((TILE_PX[1], GAP_PX, 3), 255, np.uint8)
    tiles = [cv2.resize(fuse(frames, controls=look), TILE_PX, interpolation=cv2.INTER_AREA) for look in looks]
    eight = [(tile // 257).astype(np.uint8) for tile in tiles]
    return np.hstack([eight[0], *(part for tile in eight[1:] for part in (gap, tile))])


if __name__ == "__main__":
    main()
