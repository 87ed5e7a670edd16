"""What trains is what fuses: the network on whole pictures and by strips, and the shipped weights in it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from support.pictures import expose, random_model, textured_radiance

from deepfuse.fusion.fuse import shipped_model
from deepfuse.fusion.planes import luma_plane
from deepfuse.fusion.strips import exposures_of, strips_of
from deepfuse.model import NETWORKS, Network, Quality

Luma = NDArray[np.float32]
GREY_LEVEL = 1 / 255
GOLDEN = [[31.05, 83.81, 116.95, 155.25], [50.72, 86.04, 6.52, 126.0], [48.24, 48.5, 92.3, 137.57]]  # of 255
GOLDEN_RANGE = (0.9451, 254.9764)


def frames_of(size: tuple[int, int], count: int) -> list[NDArray[np.uint16]]:
    radiance = textured_radiance(*size)
    return sorted((expose(radiance, stops) for stops in np.linspace(-4, 4, count)), key=np.mean)


def trained(model: Network, frames: list[NDArray[np.uint16]], quality: Quality) -> Luma:
    """The luma as training computes it."""
    luma = torch.from_numpy(np.stack([luma_plane(frame) for frame in frames]))[None]
    return model(luma, quality).detach()[0, 0].numpy()


def fused(model: Network, frames: list[NDArray[np.uint16]], quality: Quality) -> Luma:
    """The luma as fusing computes it, in float32."""
    strips = strips_of(*frames[0].shape[:2])
    rows_of = model.by_rows(exposures_of(frames), quality, dtype=torch.float32, strips=strips, run=map)
    with torch.inference_mode():
        return np.concatenate([rows_of(rows) for rows in strips])


@pytest.mark.parametrize("quality", ["fast", "best"])
@pytest.mark.parametrize("count", [2, 3, 5])
@pytest.mark.parametrize("size", [(97, 61), (331, 291), (151, 1203)])
def test_what_trains_is_what_fuses(size: tuple[int, int], count: int, quality: Quality) -> None:
    model, frames = shipped_model(), frames_of(size, count)
    difference = np.abs(trained(model, frames, quality) - fused(model, frames, quality))
    assert difference.max() < 1e-4 * GREY_LEVEL


@pytest.mark.parametrize("arch", NETWORKS)
def test_also_with_gradients(arch: str) -> None:
    """Torch's own enlarging, which gradients need, rounds otherwise, and so do convolutions of other sizes."""
    model, frames = random_model(1, arch).requires_grad_(True), frames_of((131, 90), 3)
    edge = model.halo_px
    wide = [np.pad(frame, ((edge, edge), (edge, edge), (0, 0)), "edge") for frame in frames]
    expected = trained(model, wide, "best")[edge : edge + 131, edge : edge + 90]
    np.testing.assert_allclose(fused(model, frames, "best"), expected, atol=1e-3 * GREY_LEVEL, rtol=1e-6)


def test_the_shipped_weights_belong_to_this_arithmetic() -> None:
    """Another scale anywhere in the network fuses other pictures of the same weights; these are the right ones."""
    luma = trained(shipped_model(), frames_of((96, 128), 3), "best")
    assert 255 * luma[8::20, 8::20][:3, :4] == pytest.approx(np.array(GOLDEN), abs=0.02)
    assert (255 * luma.min(), 255 * luma.max()) == pytest.approx(GOLDEN_RANGE, abs=0.001)


def test_weights_are_copied_once_a_model_and_again_when_they_change() -> None:
    model, frames = random_model(2, "pyramid"), frames_of((64, 80), 2)
    first = fused(model, frames, "fast")
    copies = dict(model.levels.__dict__["_fusing"])
    assert (fused(model, frames, "fast") == first).all()
    assert model.levels.__dict__["_fusing"] == copies
    for weight in model.parameters():
        weight += 0.1
    assert np.abs(fused(model, frames, "fast") - first).max() > GREY_LEVEL
