"""Scores of whole pictures beside the baselines', and whether a challenger is better than the champion."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import fsum, isfinite
from pathlib import Path

import cv2
import numpy as np

from deepfuse.color import Image, from_float, to_float
from deepfuse.errors import DeepfuseError
from deepfuse.fusion import fuse
from deepfuse.manifest import Scene, read_manifest
from deepfuse.measures import chroma_gain, clipped_share, halo, lightness_order_error, mef_ssim_c
from deepfuse.mef_ssim import mef_ssim
from deepfuse.model import Network
from deepfuse.patches import split_of
from deepfuse.photo import read_photo

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


@dataclass(frozen=True)
class Verdict:
    """Whether the challenger becomes champion, and why; the gain is in mean MEF-SSIM, `None` without a champion."""

    promote: bool
    reason: str
    gain: float | None = None


def fuse_mertens(frames: Sequence[Image]) -> Image:
    """OpenCV's exposure fusion (Mertens, Kautz, Van Reeth 2007) at its defaults, clipped to the frames' range."""
    scaled = [255 * to_float(frame) for frame in frames]  # it divides by 255, whatever the type
    fused = np.asarray(cv2.createMergeMertens().process(scaled), np.float32)
    return from_float(fused, frames[0].dtype)


def fuse_average(frames: Sequence[Image]) -> Image:
    """The plain mean of the frames."""
    return from_float(np.mean([to_float(frame) for frame in frames], axis=0, dtype=np.float32), frames[0].dtype)


def methods(model: Network) -> dict[str, Fuse]:
    """The model and its baselines, by the names that reports use."""
    return {"model": lambda frames: fuse(frames, model=model), "mertens": fuse_mertens, "average": fuse_average}


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


def score_scenes(model: Network, scenes: Iterable[Scene], aligned: Path, *, exposures: str) -> dict[str, float]:
    """Three-scale MEF-SSIM of a model on each scene, by scene id."""
    scores = {}
    for scene in scenes:
        frames = read_frames(scene, aligned, exposures=exposures)
        scores[scene.scene] = mef_ssim(frames, fuse(frames, model=model))
    return scores


def judge(
    challenger: Mapping[str, float], champion: Mapping[str, float] | None, *, min_gain: float, max_drop: float
) -> Verdict:
    """Decide whether the challenger becomes champion.

    Args:
        challenger: MEF-SSIM by scene.
        champion: the same scenes scored with the champion; `None` if there is no champion yet.
        min_gain: by how much the mean must rise.
        max_drop: by how much no scene may fall.

    Raises:
        ValueError: the two were not scored on the same scenes.
    """
    if not all(isfinite(value) for value in challenger.values()):
        return Verdict(False, "a challenger's score is not finite")
    if champion is None:
        return Verdict(True, "there is no champion yet")
    if challenger.keys() != champion.keys() or not challenger:
        raise ValueError(f"expected scores of the same scenes, got {sorted(challenger)} and {sorted(champion)}")
    gains = {scene: challenger[scene] - champion[scene] for scene in challenger}
    gain = fsum(gains.values()) / len(gains)
    worst = min(gains, key=lambda scene: gains[scene])
    if gains[worst] < -max_drop:
        return Verdict(False, f"{worst} falls by {-gains[worst]:.4f}, more than {max_drop}", gain)
    if gain < min_gain:
        return Verdict(False, f"the mean changes by {gain:+.4f}, expected {min_gain} or more", gain)
    return Verdict(True, f"the mean rises by {gain:.4f} over {len(gains)} scenes", gain)
