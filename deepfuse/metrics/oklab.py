"""Oklab: lightness and colour as they are seen, of sRGB-encoded R'G'B'.

Source: B. Ottosson, "A perceptual color space for image processing", 2020, https://bottosson.github.io/posts/oklab/.
"""

from __future__ import annotations

import cv2
import numpy as np

from deepfuse.color import Float, to_linear

_TO_CONES = np.array(
    [[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566],
     [0.0883024619, 0.2817188376, 0.6299787005]], np.float32,
)  # fmt: skip
_TO_LAB = np.array(
    [[0.2104542553, 0.7936177850, -0.0040720468], [1.9779984951, -2.4285922050, 0.4505937099],
     [0.0259040371, 0.7827717662, -0.8086757660]], np.float32,
)  # fmt: skip


def oklab(rgb: Float) -> Float:
    """L, a and b (H, W, 3) of sRGB-encoded pixels (H, W, 3) from 0 to 1; L is 0 to 1, and greys have no a and b.

    >>> np.round(oklab(np.ones((1, 1, 3), np.float32))[0, 0], 3).tolist()
    [1.0, 0.0, 0.0]
    """
    cones = np.cbrt(cv2.transform(to_linear(rgb), _TO_CONES))
    return np.asarray(cv2.transform(cones, _TO_LAB), np.float32)
