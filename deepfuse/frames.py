"""The frames of one bracket as arrays: what every function that takes them may count on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from deepfuse.color import Image, check_range


def check_frames(frames: Sequence[ArrayLike]) -> list[Image]:
    """Make sure that frames are a bracket: two or more (H, W, 3) of one shape, one dtype and the range of that.

    Args:
        frames: uint8, uint16 or float32 from 0 to 1.

    Returns:
        The frames as arrays; those that are arrays already, themselves.

    Raises:
        ValueError: fewer than two, unlike or other shapes, or floats that leave 0..1.
        TypeError: another dtype, or several.

    >>> check_frames([np.zeros((4, 6, 3), np.uint8)])
    Traceback (most recent call last):
    ValueError: expected 2 or more frames, got 1
    """
    if len(frames) < 2:
        raise ValueError(f"expected 2 or more frames, got {len(frames)}")
    arrays = [np.asarray(frame) for frame in frames]
    first = arrays[0]
    for index, array in enumerate(arrays):
        if array.ndim != 3 or array.shape[2] != 3 or 0 in array.shape:
            raise ValueError(f"frame {index}: expected (height, width, 3), got {array.shape}")
        if array.shape != first.shape:
            raise ValueError(f"frame {index}: expected {first.shape} as frame 0, got {array.shape}")
        if array.dtype != first.dtype:
            raise TypeError(f"frame {index}: expected {first.dtype} as frame 0, got {array.dtype}")
        try:
            check_range(array)
        except (TypeError, ValueError) as error:
            raise type(error)(f"frame {index}: {error}") from None
    return arrays
