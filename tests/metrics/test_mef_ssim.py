import inspect
import pickle

import numpy as np
import pytest
import torch
from support.reference_mef_ssim import single_scale, three_scales, wanted_patch, window_quality

import deepfuse
from deepfuse.metrics.mef_ssim import mef_ssim, quality_map
from deepfuse.training.losses import MEFSSIMLoss

rng = np.random.default_rng(7)


def as_float(grey: np.ndarray) -> np.ndarray:
    """Grey levels 0..255 as float32 0..1 that are exact multiples, so both sides see the same numbers."""
    return (np.rint(grey) / 255).astype(np.float32)


def on_levels(image: np.ndarray) -> np.ndarray:
    return image.astype(np.float64) * (1 if image.dtype == np.uint8 else 255)


def random_frames(k: int, h: int, w: int) -> np.ndarray:
    scene = rng.random((h, w)) * 2
    return np.stack([as_float(np.clip(scene * 255 * gain, 0, 255)) for gain in np.geomspace(0.1, 4, k)])


CASES = {
    "pair": random_frames(2, 15, 18),
    "five": random_frames(5, 14, 13),
    "noise": as_float(rng.random((3, 14, 14)) * 255),
    "identical": np.repeat(as_float(rng.random((1, 14, 14)) * 255), 3, 0),
    "opposed": np.stack([x := rng.integers(0, 256, (14, 14), dtype=np.uint8), 255 - x]),
    "one flat": np.stack([as_float(rng.random((14, 14)) * 255), np.full((14, 14), np.float32(0.3))]),
    "flat beside opposed": np.stack([x, 255 - x, np.full_like(x, 180)]),
    "nearly opposed": np.stack([x // 2, 255 - x]),
    "black and white": np.stack([np.zeros((14, 14), np.float32), np.ones((14, 14), np.float32)]),
    "all flat": np.stack([np.full((14, 14), np.float32(v)) for v in (0.2, 0.2, 0.9)]),
    "black, white and grey": np.stack([np.full((14, 14), v, np.uint8) for v in (0, 255, 128)]),
    "saturated but for one pixel": np.stack([np.where(np.eye(14) > 0, x, 255).astype(np.uint8), np.full_like(x, 255)]),
    "four": random_frames(4, 11, 13),
    "half saturated": np.stack([as_float(np.where(np.arange(14) < 7, 255, x)), as_float(x / 8)]),
}


@pytest.mark.parametrize("name", CASES)
def test_single_scale_equals_the_literal_metric(name: str) -> None:
    frames = CASES[name]
    for fused in (frames.mean(0).astype(frames.dtype), frames[0], as_float(rng.random(frames.shape[1:]) * 255)):
        ours = mef_ssim(list(frames), fused, scales=1)
        assert ours == pytest.approx(single_scale(on_levels(frames), on_levels(fused)), abs=1e-6)


@pytest.mark.parametrize(("k", "h", "w"), [(2, 46, 49), (3, 45, 44), (5, 43, 47)])
def test_three_scales_equal_the_literal_metric_also_at_odd_sizes(k: int, h: int, w: int) -> None:
    frames = random_frames(k, h, w)
    fused = frames.mean(0, dtype=np.float32)
    assert mef_ssim(list(frames), fused) == pytest.approx(three_scales(on_levels(frames), on_levels(fused)), abs=1e-6)


def test_the_yardstick_by_hand() -> None:
    step = np.where(np.arange(11) < 5, 0.0, 1.0) * np.ones((11, 1))
    flat = np.zeros((11, 11))
    centred = step - step.mean()
    norm = np.sqrt(5 * 11 * (6 / 11) ** 2 + 6 * 11 * (5 / 11) ** 2)
    assert np.linalg.norm(centred) == pytest.approx(norm)
    # One frame holds all structure, so it is wanted whole, at its strength (its norm plus 0.001).
    np.testing.assert_allclose(wanted_patch(np.stack([100 * step, flat])), 100 * centred * (1 + 1e-5 / norm), atol=1e-9)
    # A flat fused window against it keeps the stabiliser alone: C / (σ² + C).
    weights = np.exp(-(np.arange(-5, 6) ** 2) / 4.5)
    bright = weights[5:].sum() / weights.sum()
    variance = (100 * (1 + 1e-5 / norm)) ** 2 * bright * (1 - bright)
    c = 7.65**2
    assert window_quality(np.stack([100 * step, flat]), flat) == pytest.approx(c / (variance + c))


def test_a_frame_fused_with_copies_of_itself_is_nearly_perfect() -> None:
    frame = as_float(rng.random((48, 48)) * 255)
    assert mef_ssim([frame, frame], frame) == pytest.approx(1, abs=1e-6)


def test_dtypes_and_rgb_agree() -> None:
    frames8 = [rng.integers(0, 256, (50, 44, 3), dtype=np.uint8) for _ in range(2)]
    fused8 = rng.integers(0, 256, (50, 44, 3), dtype=np.uint8)
    score = mef_ssim(frames8, fused8)
    as16 = [f.astype(np.uint16) * 257 for f in frames8]
    assert mef_ssim(as16, fused8.astype(np.uint16) * 257) == pytest.approx(score, abs=1e-12)
    floats = [(f / 255).astype(np.float32) for f in frames8]
    assert mef_ssim(floats, (fused8 / 255).astype(np.float32)) == pytest.approx(score, abs=1e-6)


def test_strips_do_not_change_the_score(monkeypatch: pytest.MonkeyPatch) -> None:
    frames = list(random_frames(2, 97, 60))
    fused = np.mean(frames, 0, dtype=np.float32)
    whole = mef_ssim(frames, fused)
    monkeypatch.setattr("deepfuse.metrics.mef_ssim.ROWS_AT_ONCE", 13)
    assert mef_ssim(frames, fused) == pytest.approx(whole, abs=1e-12)
    monkeypatch.setattr("deepfuse.metrics.mef_ssim.TILE_PX", (13, 17))
    assert mef_ssim(frames, fused) == pytest.approx(whole, abs=1e-12)


def test_threads_change_nothing_and_stay_as_they_were() -> None:
    frames = list(random_frames(2, 200, 60))
    fused = np.mean(frames, 0, dtype=np.float32)
    before = torch.get_num_threads()
    try:
        scores = []
        for threads in (1, 3):
            torch.set_num_threads(threads)
            scores.append(mef_ssim(frames, fused))
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert scores[0] == scores[1]


def test_loss_is_one_minus_the_metric() -> None:
    frames = np.stack([random_frames(2, 64, 64)[:, :, :] for _ in range(2)])
    fused = frames.mean(1, keepdims=True)
    for scales in (1, 2, 3):
        loss = MEFSSIMLoss(scales)(torch.from_numpy(frames[:1]), torch.from_numpy(fused[:1]))
        assert 1 - float(loss) == pytest.approx(mef_ssim(list(frames[0]), fused[0, 0], scales=scales), abs=2e-4)


def test_autocast_does_not_reach_the_loss() -> None:
    frames, fused = torch.rand(2, 2, 64, 64), torch.rand(2, 1, 64, 64)
    with torch.autocast("cpu", torch.bfloat16):
        under = MEFSSIMLoss(3)(frames, fused)
    assert under.dtype == torch.float32
    assert float(under) == float(MEFSSIMLoss(3)(frames, fused))


def test_gradient_is_right() -> None:
    frames = torch.rand(1, 3, 13, 12, dtype=torch.float64)
    fused = torch.rand(1, 1, 13, 12, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda f: MEFSSIMLoss(1)(frames, f), fused)


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_gradient_is_finite_on_flat_patches(level: float) -> None:
    frames = torch.full((2, 2, 64, 64), level)
    fused = torch.full((2, 1, 64, 64), level, requires_grad=True)
    MEFSSIMLoss(3)(frames, fused).backward()
    assert fused.grad is not None
    assert torch.isfinite(fused.grad).all()


def test_float32_map_stays_near_float64_on_saturated_frames() -> None:
    frames = torch.from_numpy(np.clip(random_frames(2, 64, 64) * 3, 0, 1))[None] * 255
    fused = frames.mean(1, keepdim=True)
    exact = quality_map(frames.double(), fused.double())
    assert (quality_map(frames, fused).double() - exact).abs().max() < 5e-3


def test_bad_input_is_refused() -> None:
    good = np.zeros((44, 44), np.uint8)
    with pytest.raises(ValueError, match="2 or more frames, got 1"):
        mef_ssim([good], good)
    with pytest.raises(ValueError, match="44, 44"):
        mef_ssim([good, good], good[:40])
    with pytest.raises(ValueError, match="scale 3"):
        mef_ssim([good[:40]] * 2, good[:40])
    with pytest.raises(ValueError, match="1 to 3 scales"):
        mef_ssim([good] * 2, good, scales=4)
    with pytest.raises(ValueError, match="from 0 to 1"):
        mef_ssim([np.full((44, 44), np.nan, np.float32)] * 2, good)
    with pytest.raises(TypeError, match="int64"):
        mef_ssim([good.astype(np.int64)] * 2, good)


def test_the_public_name_is_a_plain_function() -> None:
    assert pickle.loads(pickle.dumps(deepfuse.mef_ssim)) is mef_ssim
    assert list(inspect.signature(deepfuse.mef_ssim).parameters) == ["frames", "fused", "scales"]
