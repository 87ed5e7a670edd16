"""Bracket to registered stack: every frame laid on the best-exposed one, or an AlignmentError."""

from deepfuse.alignment.result import Alignment, AlignmentError, Registration
from deepfuse.alignment.stack import align

__all__ = ["Alignment", "AlignmentError", "Registration", "align"]
