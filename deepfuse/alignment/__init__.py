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
from deepfuse.alignment.stack import align, align_again

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
    "align_again",
    "lay_placed",
    "lay_still",
]
