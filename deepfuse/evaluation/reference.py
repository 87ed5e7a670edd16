"""How good a model is on the reference set: every measure, and how far its colours are from the truth."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from deepfuse.color import Float, luma, to_float
from deepfuse.evaluation.guards import TRUE_COLOUR
from deepfuse.evaluation.reference_scenes import ReferenceScene, reference_scenes
from deepfuse.evaluation.scoring import score
from deepfuse.files import write_json
from deepfuse.fusion.fuse import fuse
from deepfuse.metrics.oklab import oklab
from deepfuse.metrics.reexposure import reexposed
from deepfuse.model import Network, read_with_sha256

SCENES_FILE = "scenes.npz"

ReferenceScores = Mapping[str, Mapping[str, float]]
"""By scene, by measure."""


def reference_scores(model: Path, kept: Path, *, code: str) -> ReferenceScores:
    """Every measure of a model on each scene of the reference set, measured once.

    Args:
        model: the folder of its weights.
        kept: a folder for the set and for the scores of models, which this renews.
        code: names the code that makes the set, fuses and measures: with another nothing kept counts.

    Raises:
        ModelError: as `read_model` does.
    """
    network, sha256 = read_with_sha256(model)
    own = kept / code
    known = own / f"{sha256}.json"
    if not known.exists():
        scenes = reference_scenes(own / SCENES_FILE)
        write_json(known, {scene.name: score_against_truth(network, scene) for scene in scenes})
    found: ReferenceScores = json.loads(known.read_text(encoding="utf-8"))
    return found


def score_against_truth(model: Network, scene: ReferenceScene) -> dict[str, float]:
    """The measures of the table, of the frames alone, and those against the scene's radiance."""
    fused = fuse(list(scene.frames), model=model)
    return {
        **score(list(scene.frames), fused),
        TRUE_COLOUR: true_colour_error(scene.radiance, to_float(fused)),
    }


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
