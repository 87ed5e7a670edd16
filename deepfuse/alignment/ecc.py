"""Area-based registration, for pairs in which no features survive both exposures."""

from __future__ import annotations

import cv2
import numpy as np

from deepfuse.alignment.proxy import Proxy
from deepfuse.alignment.result import Matrix

LEVELS = 4  # the coarsest is an eighth of the proxy's size, and so are the motions there
ITERATIONS = 60  # a level at most; each costs as much as a warp


def match_areas(reference: Proxy, frame: Proxy) -> Matrix | None:
    """Maximise the enhanced correlation coefficient of local contrast, coarse to fine.

    Returns the homography from frame to reference in proxy pixels, or `None` where it does not converge. It
    proves nothing by itself: unrelated pictures converge, too.
    Source: Evangelidis and Psarakis 2008, doi:10.1109/TPAMI.2008.113.
    """
    settings = cv2.ECCParameters()
    settings.motionType = cv2.MOTION_HOMOGRAPHY
    settings.nlevels = LEVELS
    settings.criteria = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, ITERATIONS, 1e-5)
    start = np.eye(3, dtype=np.float32)
    masks = reference.valid * np.uint8(255), frame.valid * np.uint8(255)
    try:
        _, found = cv2.findTransformECCMultiScale(reference.contrast, frame.contrast, start, settings, *masks)
        return np.linalg.inv(np.asarray(found, dtype=np.float64))
    except (cv2.error, np.linalg.LinAlgError):
        return None
