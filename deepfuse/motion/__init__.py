"""Aligned frames in which things moved → frames that all show the same."""

from deepfuse.motion.removal import Deghosted, remove_ghosts

__all__ = ["Deghosted", "remove_ghosts"]
