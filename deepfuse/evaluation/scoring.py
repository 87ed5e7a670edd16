"""Scores of whole pictures: the model's and its baselines', on the scenes that no training has seen.

A score that is known is not made again: of the same frames, by the same method, code and libraries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from deepfuse.color import Image, from_float, to_float
from deepfuse.errors import DeepfuseError
from deepfuse.files import json_digest
from deepfuse.fusion.fuse import fuse
from deepfuse.imports import PACKAGE, code_behind, libraries_behind
from deepfuse.incremental import SceneCache, check_file
from deepfuse.manifest import Scene, read_manifest
from deepfuse.metrics import table
from deepfuse.model import Network, digest_of, native_precision
from deepfuse.model.network import device_of
from deepfuse.photo import read_pages
from deepfuse.split import position_of, split_of

if TYPE_CHECKING:
    from deepfuse.params import Libraries, Split

Fuse = Callable[[Sequence[Image]], Image]
CODE = PACKAGE / "evaluation" / "scoring.py"


@dataclass(frozen=True)
class Method:
    """A way to fuse a scene, and what tells it from all others: of a network the weights too, and how it is used."""

    identity: tuple[str, ...]
    fuse: Fuse


@dataclass(frozen=True, eq=False)
class Score(Mapping[str, float]):
    """One fused picture: the value of every measure, by its name, in the order of `metrics.table.METRICS`.

    Raises:
        ValueError: a measure has no value, or a value no measure.
    """

    by_name: Mapping[str, float]

    def __post_init__(self) -> None:
        names = [metric.name for metric in table.METRICS]
        if self.by_name.keys() != set(names):
            raise ValueError(f"expected a value of each of {', '.join(names)}, got {', '.join(self.by_name)}")
        object.__setattr__(self, "by_name", {name: self.by_name[name] for name in names})

    def __getitem__(self, name: str) -> float:
        return self.by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.by_name)

    def __len__(self) -> int:
        return len(self.by_name)


def fuse_mertens(frames: Sequence[Image]) -> Image:
    """OpenCV's exposure fusion (Mertens, Kautz, Van Reeth 2007) at its defaults, clipped to the frames' range."""
    scaled = [frame if frame.dtype == np.uint8 else 255 * to_float(frame) for frame in frames]  # it divides by 255
    fused = np.asarray(cv2.createMergeMertens().process(scaled), np.float32)
    return from_float(fused, frames[0].dtype)


def fuse_average(frames: Sequence[Image]) -> Image:
    """The plain mean of the frames."""
    return from_float(np.mean([to_float(frame) for frame in frames], axis=0, dtype=np.float32), frames[0].dtype)


def methods(model: Network) -> dict[str, Method]:
    """The model as it is served, at its other qualities, and its baselines, by the names that reports use."""
    served, *others = model.qualities
    names = {"model": served, **{f"model_{quality}": quality for quality in others}}
    device = device_of(model)
    network = "network", model.arch, digest_of(model), device.type, str(native_precision(device))
    return {
        **{
            name: Method((*network, quality), partial(fuse, model=model, quality=quality))
            for name, quality in names.items()
        },
        "mertens": Method(("mertens",), fuse_mertens),
        "average": Method(("average",), fuse_average),
    }


def score(frames: Sequence[Image], fused: Image) -> Score:
    """Every measure of one fused picture.

    Args:
        frames: K ≥ 2 aligned exposures, each (H, W, 3) sRGB-encoded RGB in uint8, uint16 or float32 from 0 to 1, 41
            pixels or more each way.
        fused: the picture fused of them, of their height and width.

    Raises:
        ValueError: too few, too small or unlike pictures, or floats that leave 0..1.
        TypeError: pixels of another dtype.

    >>> steps = np.tile(np.linspace(0, 240, 48, dtype=np.uint8)[:, None], (48, 1, 3))
    >>> round(score([steps // 4, steps], steps)["mef_ssim"], 4)
    1.0
    """
    return Score({metric.name: metric.function(frames, fused) for metric in table.METRICS})


def held_out_scenes(aligned: Path, split: Split, most: int) -> list[Scene]:
    """The aligned scenes of the test split, in the order of the manifest.

    Of more than `most` those that come first in the split: a new one takes the place of one at most.

    Raises:
        DeepfuseError: there is none.
    """
    scenes = [scene for scene in read_manifest(aligned) if scene.ok]
    held_out = [scene for scene in scenes if split_of(scene.scene, **split.model_dump()) == "test"]
    if not held_out:
        raise DeepfuseError(
            f"{aligned}: expected a scene in the test split, got none of {len(scenes)}; "
            "add scenes, or change split.test or split.salt"
        )
    by_place = sorted(held_out, key=lambda scene: position_of(scene.scene, split.salt))
    chosen = {scene.scene for scene in by_place[:most]}
    return [scene for scene in held_out if scene.scene in chosen]


class Trial:
    """One scene under test: its frames and what methods make of them, each read and fused when it is first needed.

    Args:
        scene: the scene.
        aligned: the folder of stage `align`.
        exposures: "extremes" for its darkest and its brightest frame alone, or "all".
    """

    def __init__(self, scene: Scene, aligned: Path, *, exposures: str) -> None:
        self._scene, self._aligned = scene, aligned
        count = len(scene.frames)
        self._taken = range(0, count, max(1, count - 1) if exposures == "extremes" else 1)
        self._fused: dict[tuple[str, ...], Image] = {}

    @cached_property
    def identity(self) -> list[str | int]:
        """The SHA-256 of the scene's file, and which of its frames are taken.

        Raises:
            DeepfuseError: the file is not that of the scene's record.
        """
        check_file(self._scene, self._aligned)
        return [self._scene.sha256, *self._taken]

    @cached_property
    def frames(self) -> list[Image]:
        """The aligned frames from dark to bright."""
        return [frame.pixels for frame in read_pages(self._scene.file(self._aligned), self._taken)]

    def fused(self, method: Method) -> Image:
        """The picture of a method."""
        if method.identity not in self._fused:
            self._fused[method.identity] = method.fuse(self.frames)
        return self._fused[method.identity]

    def score(self, method: Method, cache: SceneCache) -> Score:
        """Every measure of that picture, from the cache where it is known."""
        measures = [metric.name for metric in table.METRICS]
        return Score(cache.value([self.identity, method.identity, measures], partial(self._measure, method)))

    def _measure(self, method: Method) -> dict[str, float]:
        return {name: float(value) for name, value in score(self.frames, self.fused(method)).items()}


def score_cache(libraries: Libraries) -> SceneCache:
    """The scores that were made by today's code and these libraries, of any model.

    Raises:
        ParamsError: another version of a library is installed.
    """
    return SceneCache("scores", json_digest([code_behind(CODE), libraries.installed(*libraries_behind(CODE))]))


def score_scenes(
    model: Network, scenes: Iterable[Scene], aligned: Path, *, exposures: str, cache: SceneCache
) -> dict[str, Score]:
    """Every measure of a model as it is served on each scene, by scene id."""
    method = methods(model)["model"]
    return {scene.scene: Trial(scene, aligned, exposures=exposures).score(method, cache) for scene in scenes}
