"""The measure of ghosts sees what is of no single moment, and nothing where nothing moved."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from support.movers import HEIGHT, WIDTH, Radiance, scene, shot

from deepfuse import fuse
from deepfuse.color import Image
from deepfuse.metrics.ghost import ghost

UPPER, LOWER = (slice(60, 120), slice(60, 160)), (slice(120, 180), slice(60, 160))


def turned(radiance: Radiance) -> Radiance:
    """What is in both parts, which are one thing, is another in this moment."""
    changed = radiance.copy()
    for part in (UPPER, LOWER):
        changed[part] = radiance[part][::-1, ::-1]
    return changed


def patterned() -> Radiance:
    blobs = cv2.GaussianBlur(np.random.default_rng(3).random((HEIGHT, WIDTH), np.float32), (0, 0), 2)
    return cv2.normalize(blobs, None, 0.03, 0.5, cv2.NORM_MINMAX)[..., None] * np.array((1, 0.9, 0.8), np.float32)


@pytest.fixture
def moments() -> tuple[Image, Image]:
    radiance = patterned()
    return shot(radiance, -1, dtype=np.float32), shot(turned(radiance), 0.5, dtype=np.float32)


def test_it_is_nought_where_nothing_moves() -> None:
    frames = [shot(scene(), stop) for stop in (-2, 0, 2)]
    assert ghost(frames, fuse(frames)) == 0


def test_one_moment_is_better_than_a_mixture_and_than_a_torn_thing(moments: tuple[Image, Image]) -> None:
    one, other = moments
    truth = fuse([one, shot(patterned(), 0.5, dtype=np.float32)])
    torn = truth.copy()
    torn[LOWER] = fuse([shot(turned(patterned()), -1, dtype=np.float32), other])[LOWER]
    mixed = (one + other) / 2
    whole, halves, both = (ghost(moments, picture) for picture in (truth, torn, mixed))
    assert halves > 0.02
    assert both > 0.005
    assert whole < 0.1 * min(halves, both)


def test_the_order_of_the_frames_does_not_matter(moments: tuple[Image, Image]) -> None:
    mixed = (moments[0] + moments[1]) / 2
    assert ghost(moments[::-1], mixed) == pytest.approx(ghost(moments, mixed))
