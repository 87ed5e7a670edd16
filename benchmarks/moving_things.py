"""Simulated RAW brackets of scenes in which people, flags and thin things move: what moved is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from deepfuse.color import Float, Image
from deepfuse.photo import read_photos
from deepfuse.simulation.camera import CAMERAS, simulate_bracket
from deepfuse.simulation.scenery import render_scene

SOFT_PX = 0.8
VISIBLE = 0.25  # of the radiance: what differs less is no motion that anyone sees
Shape = Callable[[Float, tuple[float, float], float, int], None]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Moving:
    """Frames of a moment each; `still[k]` is the whole bracket of moment k, `moved` (H, W) what differs."""

    frames: list[Image]
    still: list[list[Image]]
    moved: Mask


def moving_bracket(seed: int, folder: Path, stops: tuple[float, ...]) -> Moving:
    """A scene in which three things move from frame to frame, or are there in one frame alone."""
    scene = render_scene(200 + seed, width=768, height=512)
    moments = _moments(scene, np.random.default_rng((seed, 7)), len(stops))
    camera = CAMERAS[seed % len(CAMERAS)]
    files = [
        simulate_bracket(moment, folder / str(index), camera=camera, stops=stops, seed=seed)
        for index, moment in enumerate(moments)
    ]
    frames = read_photos([paths[index] for index, paths in enumerate(files)])
    light = np.stack([moment.mean(axis=2) for moment in moments])
    moved = np.ptp(light, axis=0) > VISIBLE * light.max(axis=0)
    height, width = frames[0].shape[:2]
    return Moving(frames, [read_photos(paths) for paths in files], _resized(moved, width, height))


def _resized(mask: Mask, width: int, height: int) -> Mask:
    return np.asarray(cv2.resize(mask.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST) > 0)


def _moments(scene: Float, rng: np.random.Generator, count: int) -> list[Float]:
    moments = [scene.copy() for _ in range(count)]
    height, width = scene.shape[:2]
    light = float(np.median(scene))
    for shape in (_person, _flag, _thin):
        at = np.array([rng.uniform(0.15, 0.85) * width, rng.uniform(0.3, 0.7) * height])
        step, colour = rng.uniform(-1, 1, 2) * (40, 6), rng.uniform(0.05, 1.0, 3) * light * 2.0 ** rng.uniform(-1, 2)
        size_px = float(rng.uniform(0.08, 0.25)) * height
        only = int(rng.integers(count)) if rng.random() < 0.4 else None
        for index, moment in enumerate(moments):
            if only in (None, index):
                _paint(moment, shape, at + step * index, size_px, index, colour)
    return moments


def _paint(
    moment: Float, shape: Shape, at: NDArray[np.float64], size_px: float, index: int, colour: NDArray[np.float64]
) -> None:
    cover = np.zeros(moment.shape[:2], np.float32)
    shape(cover, (float(at[0]), float(at[1])), size_px, index)
    cover = cv2.GaussianBlur(cover, (0, 0), SOFT_PX)[..., None]
    moment += cover * (colour.astype(np.float32) - moment)


def _person(cover: Float, at: tuple[float, float], size_px: float, index: int) -> None:
    x, y = round(at[0]), round(at[1])
    part = max(round(size_px / 8), 2)
    cv2.ellipse(cover, (x, y), (part * 2, part * 4), 0, 0, 360, 1.0, -1)
    cv2.circle(cover, (x, y - 5 * part), part, 1.0, -1)
    for foot in (-1, 1):
        cv2.line(cover, (x, y + 3 * part), (x + foot * part * (1 + index % 2), y + 7 * part), 1.0, part)


def _flag(cover: Float, at: tuple[float, float], size_px: float, index: int) -> None:
    along = np.linspace(0, 1.4 * size_px, 40)
    wave = 0.12 * size_px * np.sin(along / size_px * 5 + 1.7 * index) * along / size_px
    top = np.stack([at[0] + along, at[1] + wave], axis=1)
    bottom = top[::-1] + np.array([0, 0.7 * size_px])
    cv2.fillPoly(cover, [np.rint(np.concatenate([top, bottom])).astype(np.int32)], 1.0)


def _thin(cover: Float, at: tuple[float, float], size_px: float, index: int) -> None:
    lean = 0.3 * index * size_px
    ends = (round(at[0]), round(at[1])), (round(at[0] + lean), round(at[1] - 2 * size_px))
    cv2.line(cover, *ends, 1.0, 3)
