"""Bracket to registered stack: every frame laid on the best-exposed one, or an AlignmentError."""

from deepfuse.alignment.result import IF_UNALIGNED, Alignment, AlignmentError, IfUnaligned, Registration
from deepfuse.alignment.stack import align

__all__ = ["IF_UNALIGNED", "Alignment", "AlignmentError", "IfUnaligned", "Registration", "align"]
