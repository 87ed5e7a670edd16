"""What an alignment expects of its input."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from deepfuse.alignment.result import CROPS, IF_UNALIGNED, AlignmentError, Crop, IfUnaligned
from deepfuse.color import Image, Mask

MIN_SIDE_PX = 64  # a tile with its reach needs 48 (`tiles`), and one alone proves nothing


def check_size(shape: tuple[int, ...]) -> None:
    """Refuse frames of this shape in which no tile has room."""
    if min(shape[:2]) < MIN_SIDE_PX:
        raise AlignmentError(
            f"expected frames of {MIN_SIDE_PX} or more pixels a side to lay on each other, got {shape[1]}×{shape[0]}"
        )


def checked_masks(frames: Sequence[Image], valid: Sequence[Mask | None] | None) -> Sequence[Mask | None]:
    """One mask a frame, of its height and width, or `None` where all of it is picture.

    Raises:
        ValueError: another number of masks, another size or type, or values beyond 1.
    """
    if valid is None:
        return [None] * len(frames)
    if len(valid) != len(frames):
        raise ValueError(f"valid: expected one a frame, {len(frames)}, got {len(valid)}")
    for index, mask in enumerate(valid):
        if mask is not None and (mask.shape != frames[index].shape[:2] or mask.dtype != np.uint8):
            raise ValueError(
                f"valid {index}: expected uint8 of {frames[index].shape[:2]}, got {mask.dtype} of {mask.shape}"
            )
        if mask is not None and mask.max() > 1:
            raise ValueError(f"valid {index}: expected 1 or 0, got {mask.max()}")
    return valid


def check_thresholds(min_inliers: int, min_kept: float) -> None:
    """Refuse numbers that prove nothing, or that are no share."""
    if min_inliers < 8:
        raise ValueError(f"min_inliers: expected 8 or more, got {min_inliers}")
    if not 0.0 <= min_kept <= 1.0:
        raise ValueError(f"min_kept: expected a share from 0 to 1, got {min_kept}")


def check_choices(if_unaligned: IfUnaligned, crop: Crop) -> None:
    """Refuse words that are no choice."""
    if if_unaligned not in IF_UNALIGNED:
        raise ValueError(f"if_unaligned: expected one of {', '.join(IF_UNALIGNED)}, got {if_unaligned}")
    if crop not in CROPS:
        raise ValueError(f"crop: expected one of {', '.join(CROPS)}, got {crop}")
