"""An aligned frame → a file with its own metadata."""

from __future__ import annotations

from pathlib import Path

from deepfuse.color import Image, Mask
from deepfuse.metadata.transfer import transfer
from deepfuse.photo import Metadata, write_photo
from deepfuse.photo.profiles import srgb_profile


def write_aligned(path: Path, frame: Image, shown: Mask | None, metadata: Metadata, *, name: str) -> tuple[str, ...]:
    """Write an aligned frame.

    Args:
        path: `.tif` or `.png`.
        frame: (H, W, 3), in sRGB.
        shown: (H, W), 0 where it is transparent and 1 elsewhere; without an alpha if `None`.
        metadata: what its file told.
        name: of that file, for warnings.

    Returns:
        What could not be carried over.
    """
    height, width, _ = frame.shape
    own = transfer([metadata], 0, names=[name], width=width, height=height, icc=srgb_profile())
    write_photo(path, frame, embedded=own.embedded, shown=shown)
    return own.warnings
