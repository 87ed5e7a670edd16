"""The masks of a picture's frames: what each shows of others, and the files they go to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from deepfuse.bracket import printable
from deepfuse.color import Image
from deepfuse.errors import BracketError
from deepfuse.job.options import FuseOptions
from deepfuse.motion import Deghosted


def mask_files(output: Path, files: Sequence[Path], options: FuseOptions) -> tuple[Path, ...]:
    """Where the masks of a bracket's frames go: beside the picture, `PICTURE_mask_FRAME.png`; nowhere if not wanted.

    Raises:
        BracketError: frames of one name.
    """
    if not options.save_masks:
        return ()
    paths = tuple(output.with_name(f"{output.stem}_mask_{printable(file.stem)}.png") for file in files)
    if len(set(paths)) < len(paths):
        got = ", ".join(printable(file.name) for file in files)
        raise BracketError(f"expected frames of different names, suffixes apart, to name their masks by, got {got}")
    return paths


def masks_of(found: Deghosted, kept: Sequence[int], files: int) -> tuple[Image, ...]:
    """One a file, (H, W) of uint8: 255 where the picture shows another frame, as of one that was left out."""
    whole = np.full(found.frames[0].shape[:2], 255, np.uint8)
    return tuple(found.mask(kept.index(index)) if index in kept else whole for index in range(files))
