"""The fused picture depends on the frames alone: not on their order, nor on the rows that are worked on at once."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from support.pictures import random_model

from deepfuse import Controls, fuse
from deepfuse.color import Image
from deepfuse.fusion import fuse as fusing
from deepfuse.fusion import planes, strips
from deepfuse.fusion.controls import RANGES
from deepfuse.model import Network, Quality, rows

FUSIONS: list[tuple[str, Quality]] = [("pyramid", "fast"), ("pyramid", "best"), ("paper", "best")]
CONTROLS = st.builds(Controls, **{name: st.floats(*ends) for name, ends in RANGES.items()})
DTYPES = st.sampled_from([np.uint8, np.uint16, np.float32])

network = cache(random_model)


@st.composite
def frames_of(draw: st.DrawFn, *, most_px: int) -> list[Image]:
    """Two to five frames of noise, some of them mirrored: those have one mean."""
    size = draw(st.integers(1, most_px)), draw(st.integers(1, most_px)), 3
    dtype = draw(DTYPES)
    top = 1 if dtype == np.float32 else np.iinfo(dtype).max
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    frames = [(top * gain * rng.random(size)).astype(dtype) for gain in (0.3, 0.6, 1)[: draw(st.integers(2, 3))]]
    return [*frames, *(frame[::-1] for frame in frames[: draw(st.integers(0, 2))])]


def model_of(arch: str) -> Network:
    return network(1, arch, noise=0.05)


@pytest.mark.parametrize(("arch", "quality"), FUSIONS)
@settings(max_examples=15)
@given(data=st.data(), controls=CONTROLS)
def test_the_order_of_the_frames_does_not_matter(
    arch: str, quality: Quality, data: st.DataObject, controls: Controls
) -> None:
    frames = data.draw(frames_of(most_px=70))
    order = data.draw(st.permutations(frames))
    expected = fuse(frames, model=model_of(arch), quality=quality, controls=controls)
    np.testing.assert_array_equal(fuse(order, model=model_of(arch), quality=quality, controls=controls), expected)


def rows_at_once(width: int) -> SearchStrategy[int]:
    """Pixels that make one row of a picture or many."""
    return st.integers(1, 300).map(lambda count: count * width)


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(("arch", "quality"), FUSIONS)
@settings(max_examples=10)
@given(data=st.data(), controls=CONTROLS)
def test_the_height_of_strips_and_bands_does_not_matter(
    arch: str, quality: Quality, precision: torch.dtype, data: st.DataObject, controls: Controls
) -> None:
    frames = data.draw(frames_of(most_px=150 if arch == "paper" else 400))
    width = frames[0].shape[1]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fusing, "native_precision", lambda device: precision)
        whole = fuse(frames, model=model_of(arch), quality=quality, controls=controls)
        patch.setattr(strips, "STRIP_PX", data.draw(rows_at_once(width)))
        patch.setattr(rows, "BAND_PX", data.draw(rows_at_once(width)))
        patch.setattr(planes, "PIECE_PX", data.draw(st.integers(40, 100_000)))
        np.testing.assert_array_equal(fuse(frames, model=model_of(arch), quality=quality, controls=controls), whole)
