"""What arrived: a line for each scene of the pipeline, with what may change from one camera or season to another."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from deepfuse.color import Image, luma, to_float
from deepfuse.manifest import Scene

FILE = "arrived.csv"
TRAITS = "traits"  # of a scene, in the record of its alignment
NUMBERS = ("frames", "megapixels", "gap_ev", "burnt", "black", "noise", "moving")  # of a scene
SIDE_PX = 1024  # of the middle of a frame, whose noise is measured
BURNT, BLACK = 254 / 255, 1 / 255
_TO_SIGMA = 0.6745 * 6  # the median of a normal variable's size over its deviation; the norm of the mask below


@dataclass(frozen=True)
class Arrived:
    """One scene.

    Attributes:
        scene: its id.
        refused: whether a stage refused it; then no more is known.
        camera: make and model; empty where unknown.
        frames: that it has.
        megapixels: of a frame, registered and cropped.
        gap_ev: between its darkest and its brightest frame, in stops.
        burnt: share of its darkest frame that is clipped, 0 to 1.
        black: share of its brightest frame that is black, 0 to 1.
        noise: of its brightest frame, in levels of 255.
        moving: share of the picture that moved, 0 to 1.
    """

    scene: str
    refused: bool
    camera: str = ""
    frames: int | None = None
    megapixels: float | None = None
    gap_ev: float | None = None
    burnt: float | None = None
    black: float | None = None
    noise: float | None = None
    moving: float | None = None


def arrived(scene: Scene, aligned: Path) -> Arrived:
    """What is known of a scene below the folder of stage `align`."""
    if not scene.ok:
        return Arrived(scene.scene, True)
    first, values = scene.frames[0], [frame.ev for frame in scene.frames]
    known = [value for value in values if value is not None]
    record = json.loads(scene.alignment_file(aligned).read_bytes())
    return Arrived(
        scene=scene.scene,
        refused=False,
        camera=first.camera,
        frames=len(scene.frames),
        megapixels=round(first.width * first.height / 1e6, 2),
        gap_ev=round(max(known) - min(known), 2) if len(known) == len(values) else None,
        moving=scene.moving,
        **record[TRAITS],
    )


def traits(frames: Sequence[Image]) -> dict[str, float]:
    """What the pixels tell of a scene.

    Args:
        frames: from dark to bright, each (H, W, 3) sRGB-encoded RGB in uint8, uint16 or float32 from 0 to 1.

    >>> dark, bright = np.full((8, 8, 3), 255, np.uint8), np.zeros((8, 8, 3), np.uint8)
    >>> traits([dark, bright])
    {'burnt': 1.0, 'black': 1.0, 'noise': 0.0}
    """
    darkest, brightest = frames[0], frames[-1]
    return {
        "burnt": round(float((_brightest_channel(darkest) >= BURNT * _largest(darkest)).mean()), 5),
        "black": round(float((_brightest_channel(brightest) <= BLACK * _largest(brightest)).mean()), 5),
        "noise": round(noise(frames[-1]), 3),
    }


def noise(frame: Image) -> float:
    """The noise of a picture's middle, in levels of 255: its deviation where it is smooth.

    The mask that leaves nothing of a slope is Immerkær's (Fast noise variance estimation, Computer Vision and Image
    Understanding 64, 1996); the median in place of his mean is not misled by edges.
    """
    top, left = (max(0, (side - SIDE_PX) // 2) for side in frame.shape[:2])
    grey = 255 * luma(to_float(frame[top : top + SIDE_PX, left : left + SIDE_PX]))
    if min(grey.shape) < 3:
        return 0.0
    rows = grey[:-2] - 2 * grey[1:-1] + grey[2:]
    return float(np.median(np.abs(rows[:, :-2] - 2 * rows[:, 1:-1] + rows[:, 2:]))) / _TO_SIGMA


def _brightest_channel(image: Image) -> Image:
    """(H, W); NumPy's own maximum along an axis of three takes five times as long."""
    maximum: Image = np.maximum(np.maximum(image[..., 0], image[..., 1]), image[..., 2])
    return maximum


def _largest(image: Image) -> float:
    return 1.0 if image.dtype == np.float32 else float(np.iinfo(image.dtype).max)


def arrived_csv(scenes: Iterable[Arrived]) -> str:
    """A line for each scene; empty where something is unknown."""
    text = io.StringIO()
    names = [field.name for field in fields(Arrived)]
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows({**vars(scene), "refused": int(scene.refused)} for scene in scenes)
    return text.getvalue()


def _named_once(camera: str) -> str:
    """Earlier files have a make twice where the model begins with it, which would be another camera than today's."""
    words = camera.split()
    lengths = range(1, len(words) // 2 + 1)
    return " ".join(next((words[n:] for n in lengths if words[:n] == words[n : 2 * n]), words))


def read_arrived(text: str) -> list[Arrived]:
    """What `arrived_csv` wrote."""
    return [
        Arrived(
            scene=row["scene"],
            refused=row["refused"] == "1",
            camera=_named_once(row["camera"]),
            frames=int(row["frames"]) if row["frames"] else None,
            **{name: float(row[name]) if row[name] else None for name in NUMBERS if name != "frames"},
        )
        for row in csv.DictReader(io.StringIO(text))
    ]
