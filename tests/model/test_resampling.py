"""Planes at twice the size, or with a wider edge: what they share with torch's own, and what its own does not keep."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from deepfuse.model import resampling
from deepfuse.model.precision import native_precision
from deepfuse.model.resampling import beside, double, rectified, widened

LAYOUTS = [torch.contiguous_format, torch.channels_last]
CPU = torch.device("cpu")


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", [(2, 24, 7, 9), (1, 3, 1, 5), (2, 2, 5, 1)])
def test_doubled_planes_are_bilinear_in_their_own_layout(shape: tuple[int, ...], layout: torch.memory_format) -> None:
    planes = torch.randn(shape, generator=torch.manual_seed(0)).to(memory_format=layout)
    doubled = double(planes)
    torch.testing.assert_close(doubled, F.interpolate(planes, scale_factor=2, mode="bilinear"))
    assert doubled.is_contiguous(memory_format=layout)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("count", [1, 2])
@torch.no_grad()
def test_doubled_planes_do_not_depend_on_how_many_there_are(count: int, layout: torch.memory_format) -> None:
    planes = torch.randn((count, 24, 60, 90), generator=torch.manual_seed(1)).to(memory_format=layout)
    for rows, columns in ((slice(20, 31), slice(40, 59)), (slice(7, 60), slice(0, 90)), (slice(3, 9), slice(80, 90))):
        few = double(planes[:, :, rows, columns])[:, :, 2:-2, 2:-2]
        inner = [slice(2 * part.start + 2, 2 * part.stop - 2) for part in (rows, columns)]
        assert torch.equal(few, double(planes)[:, :, *inner])


@pytest.mark.parametrize("shape", [(2, 24, 7, 9), (1, 3, 1, 5)])
def test_what_is_rectified_goes_on_beyond_its_edges(shape: tuple[int, ...]) -> None:
    planes = torch.randn(shape, generator=torch.manual_seed(2)).to(memory_format=torch.channels_last)
    expected = F.pad(planes.clamp(min=0), (1, 1, 1, 1), mode="replicate")
    learning = planes.clone().requires_grad_(True)
    wide = rectified(1 * learning)
    assert torch.equal(wide, expected)
    assert wide.requires_grad
    assert torch.equal(rectified(planes), expected)
    assert rectified(planes).is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("shape", [(1, 3, 7, 9), (2, 2, 1, 5)])
def test_planes_beside_each_other_go_on_beyond_their_edges(shape: tuple[int, ...]) -> None:
    planes = [torch.randn(shape, generator=torch.manual_seed(seed)) for seed in range(5)]
    expected = F.pad(torch.stack(planes, 2).flatten(0, 1), (1, 1, 1, 1), mode="replicate")
    with torch.no_grad():
        found = beside(planes)
    assert torch.equal(found, expected)
    assert found.is_contiguous(memory_format=torch.channels_last)
    learning = beside([plane.clone().requires_grad_(True) for plane in planes])
    assert torch.equal(learning, expected)
    assert learning.requires_grad


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", [(2, 24, 7, 9), (1, 3, 1, 5), (2, 2, 5, 1)])
def test_what_cuda_learns_by_is_what_the_processor_learns_by(
    monkeypatch: pytest.MonkeyPatch, shape: tuple[int, ...], layout: torch.memory_format
) -> None:
    found = []
    for sorted_in_torch in (False, True):
        monkeypatch.setattr(resampling, "_sorted_in_torch", lambda _, way=sorted_in_torch: way)
        planes = torch.randn(shape, generator=torch.manual_seed(3)).to(memory_format=layout).requires_grad_(True)
        results = double(planes), widened(planes)
        assert results[0].is_contiguous(memory_format=layout)
        weights = [torch.randn(result.shape, generator=torch.manual_seed(4)) for result in results]
        sum((result * weight).sum() for result, weight in zip(results, weights, strict=True)).backward()
        found.append((*results, planes.grad))
    for mine, torchs in zip(*found, strict=True):
        torch.testing.assert_close(mine, torchs)


@pytest.mark.parametrize(
    ("name", "can", "wanted"),
    [
        ("AMD EPYC 9R14", ["avx512_bf16"], torch.bfloat16),
        ("Intel Xeon", ["avx512_bf16", "amx_bf16"], torch.bfloat16),
        ("Intel Xeon", ["avx512_bf16"], torch.float32),
        ("Intel Core i7", [], torch.float32),
    ],
)
def test_half_precision_is_for_processors_that_are_faster_in_it(
    monkeypatch: pytest.MonkeyPatch, name: str, can: list[str], wanted: torch.dtype
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"cpu_name": name, **dict.fromkeys(can, True)})
    assert native_precision(CPU) == wanted
