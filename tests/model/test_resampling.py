"""Planes at twice the size: what every layout of them shares with torch's own, and what its own does not keep."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from deepfuse.model.precision import native_precision
from deepfuse.model.resampling import double

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
def test_doubled_planes_do_not_depend_on_how_many_there_are(layout: torch.memory_format) -> None:
    planes = torch.randn((2, 24, 60, 90), generator=torch.manual_seed(1)).to(memory_format=layout)
    few = double(planes[:, :, 20:31, 40:59])[:, :, 2:-2, 2:-2]
    assert torch.equal(few, double(planes)[:, :, 42:60, 82:116])


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
