"""One size rule, one way to average, for whoever looks at a small version of a picture."""

from __future__ import annotations

import numpy as np
import pytest

from deepfuse.alignment.proxy import make_proxy as luma_proxy
from deepfuse.color import luma, to_float
from deepfuse.motion.proxies import make_proxy as colour_proxy
from deepfuse.proxy import SIDE_PX, reduced, size_within


def test_the_longer_side_fits_and_nothing_is_enlarged() -> None:
    assert size_within(6000, 4000, 1024) == (1024, 683)
    assert size_within(4000, 6000, 1024) == (683, 1024)
    assert size_within(300, 200, 1024) == (300, 200)
    assert size_within(100_000, 3, 1024) == (1024, 1)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_each_pixel_is_the_mean_of_those_it_covers(dtype: type) -> None:
    picture = np.arange(8 * 12 * 3).reshape(8, 12, 3).astype(dtype)
    small = reduced(picture, 6)
    assert small.dtype == dtype
    np.testing.assert_allclose(small, picture.reshape(4, 2, 6, 2, 3).mean((1, 3)), atol=0.5)
    assert reduced(picture, 12) is picture


def test_alignment_and_motion_see_one_picture() -> None:
    picture = np.random.default_rng(1).integers(0, 256, (900, 3 * SIDE_PX, 3), np.uint8)
    one, other = luma_proxy(picture), colour_proxy(picture)
    assert one.size == other.shape[::-1] == (SIDE_PX, 300)
    seen = reduced(luma(to_float(picture)))
    np.testing.assert_allclose(luma(np.dstack(list(other.planes))), seen, atol=0.5 / 255 + 1e-6)
    np.testing.assert_allclose(one.luma[1:-1, 1:-1], median_of_nine(seen), atol=1e-6)


def median_of_nine(plane: np.ndarray) -> np.ndarray:
    return np.median(np.lib.stride_tricks.sliding_window_view(plane, (3, 3)), axis=(2, 3))
