import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from deepfuse.metrics.windows import box_sum, central, full_sum, products, quadratic_form, tile_mean, weighted_sum
from deepfuse.threads import side_by_side

rng = np.random.default_rng(5)
picture = rng.random((1, 3, 17, 20))
tensor = torch.from_numpy(picture)


def every_window(x: np.ndarray, size: int) -> np.ndarray:
    """The pixels under each window, (N, C, h, w, size, size), by loops."""
    n, c, height, width = x.shape
    windows = np.empty((n, c, height - size + 1, width - size + 1, size, size))
    for y, x_ in np.ndindex(windows.shape[2:4]):
        windows[:, :, y, x_] = x[:, :, y : y + size, x_ : x_ + size]
    return windows


def pixels_of(data: st.DataObject, least_px: int) -> np.ndarray:
    """Noise of any size from `least_px` on, (N, C, H, W)."""
    shape = [data.draw(st.integers(1, 3)) for _ in range(2)] + [data.draw(st.integers(least_px, 24)) for _ in range(2)]
    return np.random.default_rng(data.draw(st.integers(0, 99))).normal(size=shape)


@pytest.mark.parametrize("size", range(1, 14))
@settings(max_examples=15)
@given(data=st.data())
def test_box_sums_are_sums_over_every_window(size: int, data: st.DataObject) -> None:
    x = pixels_of(data, size)
    expected = every_window(x, size).sum((4, 5))
    np.testing.assert_allclose(box_sum(torch.from_numpy(x), size), expected, rtol=1e-12, atol=1e-12)


@given(data=st.data(), weights=st.lists(st.floats(-9, 9), min_size=1, max_size=13))
def test_weighted_sums_weigh_every_window_along_both_axes(data: st.DataObject, weights: list[float]) -> None:
    x = pixels_of(data, len(weights))
    expected = every_window(x, len(weights)) @ weights @ weights
    np.testing.assert_allclose(weighted_sum(torch.from_numpy(x), weights), expected, rtol=1e-11, atol=1e-10)


def test_symmetric_matrices_by_hand() -> None:
    x = torch.tensor([2.0, 3.0, 5.0])[None, :, None, None]
    assert products(x).flatten().tolist() == [4, 9, 25, 6, 10, 15]
    assert full_sum(products(x), 3).item() == (2 + 3 + 5) ** 2
    matrix = torch.tensor([[1.0, 4, 5], [4, 2, 6], [5, 6, 3]])
    packed = torch.tensor([1.0, 2, 3, 4, 5, 6])[None, :, None, None]
    assert quadratic_form(x, packed).item() == x.flatten() @ matrix @ x.flatten()


def test_central_is_numpys_covariance() -> None:
    sums = box_sum(torch.cat([tensor, products(tensor)], 1), 17)
    expected = np.cov(picture[0, :, :, :17].reshape(3, -1), bias=True) * 17**2
    found = central(sums, 3, 17**2)[0, :, 0, 0].numpy()
    np.testing.assert_allclose(found[:3], np.diag(expected), rtol=1e-12)
    np.testing.assert_allclose(found[3:], expected[[0, 0, 1], [1, 2, 2]], rtol=1e-10)


@given(data=st.data(), window=st.integers(1, 9), tile=st.tuples(st.integers(1, 30), st.integers(1, 30)))
def test_a_mean_by_tiles_sees_every_window_once(data: st.DataObject, window: int, tile: tuple[int, int]) -> None:
    def quality(frames: torch.Tensor, fused: torch.Tensor) -> torch.Tensor:
        return (box_sum(frames, window) * box_sum(fused, window)).sum(1)

    frames = torch.from_numpy(pixels_of(data, window))
    whole = quality(frames, frames[:, :1]).mean().item()
    with side_by_side() as run:
        for runner in (map, run):
            found = tile_mean(quality, frames, frames[:, :1], window_px=window, tile_px=tile, run=runner)
            assert found.item() == pytest.approx(whole, rel=1e-10, abs=1e-10)
