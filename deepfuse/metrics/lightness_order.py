"""Whether what is lighter in the scene is lighter in the fused picture."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import numpy as np

from deepfuse.color import Image
from deepfuse.metrics.pictures import check_pictures, mean_picture, reduced

MOST_PX = 5000  # about 60 by 80: 12 million pairs, counted in some hundredths of a second
TOLERANCE = 2 / 255  # grey levels; less is rounding and compression, which nobody sees


def lightness_order_error(frames: Sequence[Image], fused: Image) -> float:
    """Share of pixel pairs whose order of lightness the fused picture reverses, 0 to 1; 0 is best.

    Lightness is the largest channel. Of the scene it is taken from the mean of the frames: every frame rises with
    radiance until it clips, so the mean does as long as one frame holds, and tells pixels apart that a single frame
    clips alike. Pictures are first averaged down to at most 5000 pixels, about 60 by 80. Pairs count whose lightness
    in the mean differs by more than 2 levels of 255; they are reversed if the fused one differs by more than that the
    other way. Without any such pair the error is 0.

    Args:
        frames: K ≥ 2 exposures, as `check_pictures` wants them.
        fused: the fused picture.

    Raises:
        ValueError: pictures that `check_pictures` refuses.
        TypeError: pixels of another dtype.

    Source: S. Wang, J. Zheng, H.-M. Hu, B. Li, "Naturalness Preserved Enhancement Algorithm for Non-Uniform
    Illumination Images", IEEE TIP 22(9), 2013, doi:10.1109/TIP.2013.2261309, which counts ties as well.

    >>> dark_to_bright = np.full((1, 4, 3), [[0.1], [0.3], [0.5], [0.7]], np.float32)
    >>> swapped = dark_to_bright[:, [1, 0, 2, 3]]  # one pair of six
    >>> round(lightness_order_error([dark_to_bright, dark_to_bright], swapped), 4)
    0.1667
    """
    check_pictures(frames, fused)
    scale = sqrt(MOST_PX / (fused.shape[0] * fused.shape[1]))
    scene = mean_picture(reduced(frame, scale).max(-1) for frame in frames).ravel()
    result = reduced(fused, scale).max(-1).ravel()
    order = np.argsort(scene)
    scene, result = scene[order], result[order]
    brighter = np.searchsorted(scene, scene + TOLERANCE, side="right")  # the first that is clearly so
    reversals = sum(int(np.count_nonzero(result[first:] < result[i] - TOLERANCE)) for i, first in enumerate(brighter))
    pairs = int((len(scene) - brighter).sum())
    return reversals / pairs if pairs else 0.0
