"""DeepFuse: a bracket of exposures becomes one picture, by a small CNN trained without ground truth.

from deepfuse import fuse_files, write_photo

fused = fuse_files(["dark.jpg", "bright.jpg"])
write_photo("fused.jpg", fused.pixels, embedded=fused.embedded)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deepfuse.alignment import align
    from deepfuse.fusion.controls import Controls
    from deepfuse.fusion.fuse import fuse
    from deepfuse.fusion.looks import read_look
    from deepfuse.job.fuse import fuse_files
    from deepfuse.job.options import FuseOptions
    from deepfuse.metrics.mef_ssim import mef_ssim
    from deepfuse.motion import remove_ghosts
    from deepfuse.photo import read_photo, write_photo
    from deepfuse.registry.loading import load_model

__version__ = "0.1.0"  # here, since a served model carries these files and not what an installation records
__all__ = [
    "Controls",
    "FuseOptions",
    "__version__",
    "align",
    "fuse",
    "fuse_files",
    "load_model",
    "mef_ssim",
    "read_look",
    "read_photo",
    "remove_ghosts",
    "write_photo",
]

_HOMES = {
    "Controls": "fusion.controls",
    "FuseOptions": "job.options",
    "align": "alignment",
    "fuse": "fusion.fuse",
    "fuse_files": "job.fuse",
    "load_model": "registry.loading",
    "mef_ssim": "metrics.mef_ssim",
    "read_look": "fusion.looks",
    "read_photo": "photo",
    "remove_ghosts": "motion",
    "write_photo": "photo",
}


def __getattr__(name: str) -> Any:
    """Import a public name's module at its first use, so that `import deepfuse` costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'deepfuse' has no attribute {name!r}")
    return getattr(import_module(f"deepfuse.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    """The public names, imported or not."""
    return __all__
