"""What alignment looks at in place of whole pictures: their small luma, and windows of them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from deepfuse.alignment.full_size import _read_by
from deepfuse.alignment.geometry import translation, warp
from deepfuse.alignment.proxy import local_contrast, luma, make_proxy, prepare
from deepfuse.alignment.result import Matrix
from deepfuse.color import Image
from deepfuse.proxy import reduced


def texture(height: int, width: int, grain_px: int = 4) -> Image:
    shape = (height // grain_px, width // grain_px, 3)
    noise = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    return np.asarray(cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


@pytest.mark.parametrize("size", [(512, 4100), (511, 4100), (300, 400)])
def test_a_proxy_is_the_mean_of_the_luma(size: tuple[int, int]) -> None:
    picture = texture(*size, grain_px=16)
    expected = prepare(reduced(luma(picture)))
    found = make_proxy(picture)
    assert found.size == expected.size
    assert np.abs(found.luma - expected.luma).mean() < 0.5 / 255
    assert np.corrcoef(found.luma.ravel(), expected.luma.ravel())[0, 1] > 0.999


@pytest.mark.parametrize("at", [(40, 30), (0, 0), (150, 120), (-400, 10)])
def test_a_window_is_that_of_the_whole_picture(at: tuple[int, int]) -> None:
    picture, angle = texture(200, 240), 0.02
    turned = np.array([[np.cos(angle), -np.sin(angle), 3.3], [np.sin(angle), np.cos(angle), -2.6], [1e-5, -2e-5, 1.0]])
    onto: Matrix = translation(-at[0], -at[1]) @ turned
    part, corner = _read_by(onto, (80, 64), (240, 200))
    y = luma(picture)
    assert y[part].size < y.size
    window = warp(np.ascontiguousarray(y[part]), onto @ translation(*corner), (80, 64))
    np.testing.assert_allclose(window, warp(y, onto, (80, 64)), atol=2e-3)


def test_contrast_is_alike_at_all_exposures_also_where_some_pixels_say_nothing() -> None:
    y = luma(texture(120, 160)) * np.float32(0.5) + np.float32(0.2)
    dark, bright = local_contrast(prepare(y * np.float32(0.25))), local_contrast(prepare(y))
    np.testing.assert_allclose(dark, bright, atol=2e-3)
    known = np.ones(y.shape, np.uint8)
    known[:, :40] = 0
    part = local_contrast(prepare(y, known))
    assert not part[:, :40].any()
    far = part[:, 100:] - bright[:, 100:]
    assert np.abs(far).max() < 0.2
