"""Whether what moved is shown as one frame saw it, or put together from several moments."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from deepfuse.color import Image, Mask
from deepfuse.metrics.pictures import check_pictures, reduced
from deepfuse.structure import likeness, structure_of, unlike

SIDE_PX = 640  # what moved is seen at that size, and noise is not
JOINED_PX = 15  # windows nearer than that are of one thing
LEAST_SHARE = 0.0005  # of the picture; a smaller thing is an edge that lies half a pixel off

Known = NDArray[np.bool_]


def ghost(frames: Sequence[Image], fused: Image) -> float:
    """How much of the picture shows things that moved otherwise than any one frame does, 0 to 1; 0 is best.

    Where the structure of two frames disagrees though both are well exposed, something moved. Neighbouring windows that
    disagree are one thing. It should be as one frame shows it, and all of it as the same one: of the frames that whose
    structure, by correlation in each window, is likest to the fused one's is taken, and what is missing counts by area.
    Without motion it is 0.

    Args:
        frames: K ≥ 2 exposures, as `check_pictures` wants them.
        fused: the fused picture.

    Raises:
        ValueError: pictures that `check_pictures` refuses.
        TypeError: pixels of another dtype.

    The idea to take one frame for the structure of what moves is that of MEF-SSIMd: Y. Fang et al., "Perceptual
    Evaluation for Multi-Exposure Image Fusion of Dynamic Scenes", IEEE TIP 29, 2020, doi:10.1109/TIP.2019.2940678;
    that a thing must be of one frame as a whole is this project's own.

    >>> y, x = np.mgrid[:80, :120].astype(np.float32)
    >>> one = np.repeat(0.5 + 0.2 * np.sin(x / 3 + y / 5)[..., None], 3, 2)
    >>> other = one.copy()
    >>> other[20:60, 30:80] = one[20:60, 30:80][:, ::-1]  # something turned
    >>> ghost([one, other], one), round(ghost([one, other], (one + other) / 2), 2)
    (0.0, 0.05)
    """
    check_pictures(frames, fused)
    scale = min(1.0, SIDE_PX / max(fused.shape[:2]))
    *shown, made = (structure_of(reduced(picture, scale)) for picture in (*frames, fused))
    moved = np.logical_or.reduce([unlike(one, other) for one, other in itertools.combinations(shown, 2)])
    kept = [np.clip(likeness(one, made), 0, 1) for one in shown]
    lost = [float(thing.mean()) * (1 - max(float(plane[thing].mean()) for plane in kept)) for thing in _things(moved)]
    return float(sum(lost))


def _things(moved: Known) -> list[Known]:
    joined: Mask = np.asarray(
        cv2.morphologyEx(moved.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((JOINED_PX, JOINED_PX), np.uint8)), np.uint8
    )
    count, labels, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    least = LEAST_SHARE * moved.size
    return [labels == label for label in range(1, count) if stats[label, cv2.CC_STAT_AREA] >= least]
