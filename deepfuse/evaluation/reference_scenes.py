"""The reference set: simulated brackets of known radiance and known motion of the camera, which no training sees."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from deepfuse.color import Float, Image
from deepfuse.incremental import SceneCache
from deepfuse.photo import read_photos
from deepfuse.simulation.camera import CAMERAS, hand_motion, simulate_bracket
from deepfuse.simulation.camera.sensor import Homography
from deepfuse.simulation.scenery import render_scene

FILE = "scenes.npz"
SEEDS = (20170000, 20170001, 20170003)  # a room, a hall and a wood; far from those of stage `sample`
WIDTH_PX, HEIGHT_PX = 512, 384  # of a scene, whose left and right half are a bracket each
STOPS = ((-3, 0, 3), (-3, 3), (-4, -2, 0, 2, 4))
MARGIN_SHARE = 0.04  # of each side, cut off where the camera moved: more than a hand moves it


@dataclass(frozen=True)
class ReferenceScene:
    """A bracket and the truth of it.

    Attributes:
        name: what it is called in verdicts.
        frames: K ≥ 2 aligned exposures of one moment, from dark to bright, (H, W, 3) uint16.
        radiance: what they were taken of, linear Rec.709, (H, W, 3).
    """

    name: str
    frames: tuple[Image, ...]
    radiance: Float


def reference_scenes(cache: SceneCache) -> list[ReferenceScene]:
    """The set, from the cache or made for it: rendering takes some ten seconds."""

    def make(folder: Path) -> None:
        np.savez(folder / FILE, allow_pickle=False, **dict(pair for scene in _make_all() for pair in _packed(scene)))

    with np.load(cache.folder("scenes", make) / FILE) as stored:
        names = sorted({key.partition(".")[0] for key in stored.files})
        return [ReferenceScene(name, tuple(stored[f"{name}.frames"]), stored[f"{name}.radiance"]) for name in names]


def _packed(scene: ReferenceScene) -> Iterator[tuple[str, Any]]:
    yield f"{scene.name}.frames", np.stack(scene.frames)
    yield f"{scene.name}.radiance", scene.radiance


def _make_all() -> list[ReferenceScene]:
    """Of each scene one half by a camera that stands still, and the other by a hand."""
    made = []
    for index, seed in enumerate(SEEDS):
        whole = render_scene(seed, width=WIDTH_PX, height=HEIGHT_PX)
        left, right = np.array_split(whole, 2, axis=1)
        made.append(_still(f"{index}_still", left, STOPS[index], seed))
        made.append(_by_hand(f"{index}_hand", right, STOPS[index], seed))
    return made


def _still(name: str, radiance: Float, stops: Sequence[float], seed: int) -> ReferenceScene:
    return ReferenceScene(name, tuple(_photographed(radiance, stops, seed)), np.ascontiguousarray(radiance))


def _by_hand(name: str, radiance: Float, stops: Sequence[float], seed: int) -> ReferenceScene:
    """Laid on each other by the known motion, so that how well one aligns decides nothing; what remains is its blur."""
    height, width = radiance.shape[:2]
    moves = hand_motion(np.random.default_rng(seed), len(stops), width=width, height=height)
    inverse = cv2.WARP_INVERSE_MAP | cv2.INTER_CUBIC
    laid = [
        cv2.warpPerspective(frame, move, (width, height), flags=inverse, borderMode=cv2.BORDER_REPLICATE)
        for frame, move in zip(_photographed(radiance, stops, seed, moves), moves, strict=True)
    ]
    rows, columns = (slice(round(MARGIN_SHARE * side), round((1 - MARGIN_SHARE) * side)) for side in (height, width))
    frames = tuple(np.ascontiguousarray(frame[rows, columns]) for frame in laid)
    return ReferenceScene(name, frames, np.ascontiguousarray(radiance[rows, columns]))


def _photographed(
    radiance: Float, stops: Sequence[float], seed: int, moves: Sequence[Homography] | None = None
) -> list[Image]:
    """A bracket of RAW, developed as any other, in the order of `stops`."""
    camera = CAMERAS[seed % len(CAMERAS)]
    with tempfile.TemporaryDirectory() as folder:
        return read_photos(
            simulate_bracket(radiance, Path(folder), camera=camera, stops=stops, seed=seed, homographies=moves)
        )
