"""The small pictures of a report: of means, at most 640 pixels, of any shape."""

from __future__ import annotations

import numpy as np
import pytest

from deepfuse.registry.previews import shrink


@pytest.mark.parametrize(
    ("shape", "small"),
    [((400, 640), (400, 640)), ((641, 641), (320, 320)), ((3, 6400), (1, 640)), ((2000, 1), (500, 1))],
)
def test_a_preview_has_whole_blocks(shape: tuple[int, int], small: tuple[int, int]) -> None:
    assert shrink(np.zeros((*shape, 3), np.uint8)).shape == (*small, 3)


def test_a_preview_has_the_means_of_a_picture_of_16_bits() -> None:
    picture = np.zeros((1000, 1000, 3), np.uint16)
    picture[::2, :, 1] = 65535
    assert shrink(picture)[7, 7].tolist() == [0, 128, 0]
