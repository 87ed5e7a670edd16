"""What an alignment returns, and how it refuses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepfuse.color import Image
from deepfuse.errors import DeepfuseError

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Registration:
    """How one frame was registered, and what speaks for it.

    `frame` and `registered_to` are indices into the bracket. `inliers` counts feature matches where `method`
    is SIFT alone, and agreeing tiles of the picture elsewhere. `residual_px` is the median distance left at
    them, `shift_px` the largest displacement of a corner against the frame it was matched with, NaN where
    that is not known; both in pixels of the full picture.
    """

    frame: int
    method: str
    inliers: int
    residual_px: float
    shift_px: float
    registered_to: int


@dataclass(frozen=True)
class Alignment:
    """A bracket registered to its best-exposed frame.

    `frames` are (height, width, 3) in the depth they came in, cropped to `crop` = (x, y, width, height) in
    pixels of the uncropped reference, whose index is `reference`. `homographies` (K, 3, 3) map pixel
    coordinates (x, y, 1) of each frame to the uncropped reference, pixel centres at whole numbers.
    `kept_area` is the share of the picture left by the crop, 0 to 1; `evidence` holds one entry per frame.
    """

    frames: tuple[Image, ...]
    reference: int
    homographies: Matrix
    crop: tuple[int, int, int, int]
    kept_area: float
    evidence: tuple[Registration, ...]

    def record(self) -> dict[str, Any]:
        """Everything but the pixels, as JSON values."""
        return {
            "reference": self.reference,
            "crop": list(self.crop),
            "kept_area": self.kept_area,
            "homographies": self.homographies.tolist(),
            "evidence": [_without_nan(asdict(registration)) for registration in self.evidence],
        }


def _without_nan(values: dict[str, Any]) -> dict[str, Any]:
    return {name: None if value != value else value for name, value in values.items()}


class AlignmentError(DeepfuseError):
    """The frames cannot be registered reliably; `evidence` says what was found."""

    def __init__(self, message: str, evidence: Sequence[Registration] = ()) -> None:
        super().__init__(message)
        self.evidence = tuple(evidence)
