"""How good a model is on the reference set: every measure, and how far its colours are from the truth."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from deepfuse.color import Float, luma, to_float
from deepfuse.evaluation.guards import TRUE_COLOUR
from deepfuse.evaluation.reference_scenes import ReferenceScene, reference_scenes
from deepfuse.evaluation.scoring import methods, score
from deepfuse.files import json_digest
from deepfuse.fusion.fuse import fuse
from deepfuse.imports import PACKAGE, code_behind, libraries_behind
from deepfuse.incremental import SceneCache
from deepfuse.metrics.oklab import oklab
from deepfuse.metrics.reexposure import reexposed
from deepfuse.model import Network, read_model

if TYPE_CHECKING:
    from deepfuse.params import Libraries

CODE = PACKAGE / "evaluation" / "reference.py"

ReferenceScores = Mapping[str, Mapping[str, float]]
"""By scene, by measure."""


def reference_scores(model: Path, cache: SceneCache) -> ReferenceScores:
    """Every measure of a model on each scene of the reference set.

    Args:
        model: the folder of its weights.
        cache: of `reference_cache`; what it knows is not measured again.

    Raises:
        ModelError: as `read_model` does.
    """
    network = read_model(model)

    def measured() -> ReferenceScores:
        return {scene.name: score_against_truth(network, scene) for scene in reference_scenes(cache)}

    found: ReferenceScores = cache.value(methods(network)["model"].identity, measured)
    return found


def reference_cache(libraries: Libraries) -> SceneCache:
    """The reference set and the scores on it that were made by today's code and these libraries, of any model.

    Raises:
        ParamsError: another version of a library is installed.
    """
    return SceneCache("reference", json_digest([code_behind(CODE), libraries.installed(*libraries_behind(CODE))]))


def score_against_truth(model: Network, scene: ReferenceScene) -> dict[str, float]:
    """The measures of the table, of the frames alone, and those against the scene's radiance."""
    fused = fuse(list(scene.frames), model=model)
    measures = {**score(list(scene.frames), fused), TRUE_COLOUR: true_colour_error(scene.radiance, to_float(fused))}
    return {name: float(value) for name, value in measures.items()}


def true_colour_error(radiance: Float, fused: Float) -> float:
    """How far a fused picture's colours are from those that the scene has at its brightness.

    Args:
        radiance: linear Rec.709, (H, W, 3), in any unit.
        fused: sRGB-encoded, (H, W, 3) from 0 to 1.

    Returns:
        The mean distance in a and b of Oklab, times 100, where the radiance is not black.

    >>> orange, shown = np.float32([[[0.2, 0.1, 0.02]]]), np.float32([[[0.654, 0.476, 0.217]]])
    >>> round(true_colour_error(orange, shown), 1)
    0.0
    """
    lit = radiance.max(-1) > 0
    got, true = (oklab(rgb)[lit][:, 1:] for rgb in (fused, reexposed(radiance, luma(fused))))
    return float(100 * np.hypot(*(got - true).T).mean())
