from typing import Any

import numpy as np
import pytest

from deepfuse.frames import check_frames

FRAME = np.full((4, 5, 3), 0.5, np.float32)


def test_a_bracket_comes_back_as_it_is() -> None:
    frames = [FRAME, FRAME.copy()]
    assert all(mine is given for mine, given in zip(check_frames(frames), frames, strict=True))


@pytest.mark.parametrize(
    ("frames", "error", "message"),
    [
        ([FRAME], ValueError, "expected 2 or more frames, got 1"),
        ([FRAME, FRAME[:3]], ValueError, r"frame 1: expected \(4, 5, 3\) as frame 0, got \(3, 5, 3\)"),
        ([FRAME[:0]] * 2, ValueError, r"frame 0: expected \(height, width, 3\), got \(0, 5, 3\)"),
        ([FRAME[..., 0]] * 2, ValueError, r"frame 0: expected \(height, width, 3\), got \(4, 5\)"),
        ([FRAME, FRAME.astype(np.uint8)], TypeError, "frame 1: expected float32 as frame 0, got uint8"),
        ([FRAME.tolist()] * 2, TypeError, "frame 0: .* got float64"),
        ([FRAME, FRAME * 3], ValueError, "frame 1: expected float pixels from 0 to 1, got 1.5 to 1.5"),
        ([FRAME, FRAME * np.nan], ValueError, "frame 1: .* got nan to nan"),
    ],
)
def test_what_is_no_bracket_is_named(frames: list[Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        check_frames(frames)
