"""Scores of whole pictures: the model's and its baselines', on the scenes that no training has seen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from deepfuse.color import Image, from_float, to_float
from deepfuse.errors import DeepfuseError
from deepfuse.fusion.fuse import fuse
from deepfuse.manifest import Scene, read_manifest
from deepfuse.metrics.measures import chroma_gain, clipped_share, halo, lightness_order_error, mef_ssim_c
from deepfuse.metrics.mef_ssim import mef_ssim
from deepfuse.model import Network
from deepfuse.photo import read_photo
from deepfuse.split import split_of

Fuse = Callable[[Sequence[Image]], Image]


@dataclass(frozen=True)
class Score:
    """One fused picture: MEF-SSIM over three scales, at full resolution alone, and measures of what it is blind to."""

    mef_ssim: float
    mef_ssim_single: float
    mef_ssim_c: float
    lightness_order_error: float
    clipped_share: float
    halo: float
    chroma_gain: float


def fuse_mertens(frames: Sequence[Image]) -> Image:
    """OpenCV's exposure fusion (Mertens, Kautz, Van Reeth 2007) at its defaults, clipped to the frames' range."""
    scaled = [frame if frame.dtype == np.uint8 else 255 * to_float(frame) for frame in frames]  # it divides by 255
    fused = np.asarray(cv2.createMergeMertens().process(scaled), np.float32)
    return from_float(fused, frames[0].dtype)


def fuse_average(frames: Sequence[Image]) -> Image:
    """The plain mean of the frames."""
    return from_float(np.mean([to_float(frame) for frame in frames], axis=0, dtype=np.float32), frames[0].dtype)


def methods(model: Network) -> dict[str, Fuse]:
    """The model as it is served, at its other qualities, and its baselines, by the names that reports use."""
    served, *others = model.qualities
    names = {"model": served, **{f"model_{quality}": quality for quality in others}}
    fusions: dict[str, Fuse] = {name: partial(fuse, model=model, quality=quality) for name, quality in names.items()}
    return {**fusions, "mertens": fuse_mertens, "average": fuse_average}


def score(frames: Sequence[Image], fused: Image) -> Score:
    """Every measure of one fused picture."""
    return Score(
        mef_ssim=mef_ssim(frames, fused),
        mef_ssim_single=mef_ssim(frames, fused, scales=1),
        mef_ssim_c=mef_ssim_c(frames, fused),
        lightness_order_error=lightness_order_error(frames, fused),
        clipped_share=clipped_share(frames, fused),
        halo=halo(frames, fused),
        chroma_gain=chroma_gain(frames, fused),
    )


def held_out_scenes(aligned: Path, *, val: float, test: float, salt: str) -> list[Scene]:
    """The aligned scenes of the test split.

    Raises:
        DeepfuseError: there is none.
    """
    scenes = [scene for scene in read_manifest(aligned) if scene.ok]
    chosen = [scene for scene in scenes if split_of(scene.scene, val=val, test=test, salt=salt) == "test"]
    if not chosen:
        raise DeepfuseError(
            f"{aligned}: expected a scene in the test split, got none of {len(scenes)}; "
            "add scenes, or change split.test or split.salt"
        )
    return chosen


def read_frames(scene: Scene, aligned: Path, *, exposures: str) -> list[Image]:
    """A scene's aligned frames from dark to bright; with `exposures` "extremes" only the first and the last."""
    pictures = scene.pictures(aligned)
    return [read_photo(path) for path in ([pictures[0], pictures[-1]] if exposures == "extremes" else pictures)]


def score_scenes(model: Network, scenes: Iterable[Scene], aligned: Path, *, exposures: str) -> dict[str, Score]:
    """Every measure of a model on each scene, by scene id."""
    scores = {}
    for scene in scenes:
        frames = read_frames(scene, aligned, exposures=exposures)
        scores[scene.scene] = score(frames, fuse(frames, model=model))
    return scores
