"""Aligned frames in which things moved → what moved, and frames that all show the same."""

from deepfuse.motion.completion import completed, shown_by
from deepfuse.motion.removal import detect_motion, remove_ghosts
from deepfuse.motion.result import Deghosted, Moved

__all__ = ["Deghosted", "Moved", "completed", "detect_motion", "remove_ghosts", "shown_by"]
