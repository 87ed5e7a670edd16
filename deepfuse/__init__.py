"""DeepFuse: a bracket of exposures becomes one picture, by a small CNN trained without ground truth."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deepfuse.fusion.controls import Controls
    from deepfuse.fusion.fuse import fuse
    from deepfuse.metrics.mef_ssim import mef_ssim
    from deepfuse.motion import remove_ghosts
    from deepfuse.photo import read_photo
    from deepfuse.registry import load_model

__all__ = ["Controls", "fuse", "load_model", "mef_ssim", "read_photo", "remove_ghosts"]

_HOMES = {
    "Controls": "fusion.controls",
    "fuse": "fusion.fuse",
    "load_model": "registry",
    "mef_ssim": "metrics.mef_ssim",
    "read_photo": "photo",
    "remove_ghosts": "motion",
}


def __getattr__(name: str) -> Any:
    """Import a public name's module at its first use, so that `import deepfuse` costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'deepfuse' has no attribute {name!r}")
    return getattr(import_module(f"deepfuse.{_HOMES[name]}"), name)
