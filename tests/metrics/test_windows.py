import numpy as np
import pytest
import torch
from numpy.lib.stride_tricks import sliding_window_view

from deepfuse.metrics.windows import box_sum, central, full_sum, products, quadratic_form, tile_mean, weighted_sum
from deepfuse.threads import side_by_side

rng = np.random.default_rng(5)
picture = rng.random((1, 3, 17, 20))
tensor = torch.from_numpy(picture)


@pytest.mark.parametrize("size", range(1, 14))
def test_box_sums_of_every_size(size: int) -> None:
    expected = sliding_window_view(picture, (size, size), (2, 3)).sum((4, 5))
    np.testing.assert_allclose(box_sum(tensor, size), expected, rtol=1e-13)


def test_weighted_sum() -> None:
    weights = np.array([0.5, -1, 2, 0.25])
    windows = sliding_window_view(picture, (4, 4), (2, 3))
    np.testing.assert_allclose(weighted_sum(tensor, weights), windows @ weights @ weights, rtol=1e-12)


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


def test_mean_by_tiles_sees_every_window_once() -> None:
    def quality(frames: torch.Tensor, fused: torch.Tensor) -> torch.Tensor:
        return (box_sum(frames, 3) * box_sum(fused, 3)).sum(1)

    whole = quality(tensor, tensor[:, :1]).mean().item()
    with side_by_side() as run:
        for runner in (map, run):
            found = tile_mean(quality, tensor, tensor[:, :1], window_px=3, tile_px=(4, 7), run=runner)
            assert found.item() == pytest.approx(whole, rel=1e-12)
