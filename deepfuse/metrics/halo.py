"""Whether a fused picture has slopes beside edges that the scene has not."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from deepfuse.color import Float, Image, luma
from deepfuse.metrics.pictures import check_pictures, mean_picture, reduced

SIDE_PX = 400  # a halo that is seen is far wider than 1/400 of the picture
EDGE_SIGMA = 0.01  # of the longer side: texture and noise go, edges and what lies beside them stay
SCENE_SIGMA = 0.05  # of the longer side: wide enough to reach beyond an edge, to where a halo is


def halo(frames: Sequence[Image], fused: Image) -> float:
    """Share of the change of luma across the scene's edges that runs the wrong way, 0 to 1; 0 is best.

    A halo is a slope beside an edge, towards it on the dark side and away from it on the bright side, that descends
    where the scene ascends or is level. So the luma of the fused picture, smoothed over 1 % of the longer side, is
    followed along the gradient of the mean of the frames, smoothed over 5 %: wide enough to reach beyond the edge.
    Descents count unless the mean of the frames, smoothed over 1 %, descends there too. All changes weigh as the wide
    gradient, so level ground hardly matters. Without any change the share is 0.

    Args:
        frames: K ≥ 2 exposures, as `check_pictures` wants them.
        fused: the fused picture.

    Raises:
        ValueError: pictures that `check_pictures` refuses.
        TypeError: pixels of another dtype.

    The definition is this project's own. On when such profiles are seen as halos: M. Trentacoste et al., "Unsharp
    Masking, Countershading and Halos: Enhancements or Artifacts?", Computer Graphics Forum 31(2), 2012,
    doi:10.1111/j.1467-8659.2012.03056.x.

    >>> step = np.full((50, 200, 3), np.float32(0.3))
    >>> step[:, 100:] = 0.6
    >>> halo([step, step], step)
    0.0
    >>> round(halo([step, step], np.float32(0.9) - step), 3)  # all of it runs the wrong way
    1.0
    """
    check_pictures(frames, fused)
    scale = SIDE_PX / max(fused.shape[:2])
    scene = mean_picture(luma(reduced(frame, scale)) for frame in frames)
    wide = _gradient(scene, SCENE_SIGMA)
    weighted_rise = (_gradient(luma(reduced(fused, scale)), EDGE_SIGMA) * wide).sum(0)
    descends = (_gradient(scene, EDGE_SIGMA) * wide).sum(0) < 0
    change = float(np.abs(weighted_rise).sum())
    return float(np.abs(weighted_rise[(weighted_rise < 0) & ~descends]).sum()) / change if change else 0.0


def _gradient(picture: Float, sigma: float) -> Float:
    """Gradient (2, H, W) after smoothing over a share `sigma` of the longer side."""
    smooth = cv2.GaussianBlur(picture, (0, 0), sigma * max(picture.shape), borderType=cv2.BORDER_REFLECT)
    return np.stack([cv2.Sobel(smooth, cv2.CV_32F, dx, 1 - dx, ksize=1) for dx in (0, 1)])
