"""Bracket to registered stack: every frame laid on the best-exposed one, or an AlignmentError."""

from deepfuse.alignment.laying import Laid, lay_placed, lay_still
from deepfuse.alignment.result import (
    CROPS,
    IF_UNALIGNED,
    Alignment,
    AlignmentError,
    Crop,
    IfUnaligned,
    Registration,
)
from deepfuse.alignment.stack import align

__all__ = [
    "CROPS",
    "IF_UNALIGNED",
    "Alignment",
    "AlignmentError",
    "Crop",
    "IfUnaligned",
    "Laid",
    "Registration",
    "align",
    "lay_placed",
    "lay_still",
]
