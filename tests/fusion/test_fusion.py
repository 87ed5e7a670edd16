import numpy as np
import pytest
import torch
from support.pictures import expose, random_model

from deepfuse import fuse, mef_ssim
from deepfuse.errors import ModelError
from deepfuse.evaluation import fuse_average, fuse_mertens
from deepfuse.evaluation.scoring import Fuse
from deepfuse.fusion import fuse as fusing
from deepfuse.fusion import planes, strips
from deepfuse.model import NETWORKS, Network, Quality, rows

rng = np.random.default_rng(4)


@pytest.fixture(scope="module", params=NETWORKS)
def model(request: pytest.FixtureRequest) -> Network:
    return random_model(1, request.param, noise=0.05)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_shape_and_dtype_are_the_frames(bracket: list[np.ndarray], dtype: type) -> None:
    frames = {
        np.uint8: [(f >> 8).astype(np.uint8) for f in bracket],
        np.uint16: bracket,
        np.float32: [(f / 65535).astype(np.float32) for f in bracket],
    }[dtype]
    fused = fuse(frames)
    assert (fused.shape, fused.dtype) == (frames[0].shape, dtype)


def test_16_bits_are_real(bracket: list[np.ndarray]) -> None:
    fused = fuse(bracket)
    assert len(np.unique(fused)) > 1000


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("size", [(1, 1), (3, 200), (97, 61), (64, 64), (331, 290), (1201, 63), (50, 1000), (1000, 50)])
@pytest.mark.parametrize(("arch", "quality"), [("pyramid", "best"), ("pyramid", "fast"), ("paper", "best")])
def test_strips_leave_no_trace(
    arch: str,
    quality: Quality,
    monkeypatch: pytest.MonkeyPatch,
    size: tuple[int, int],
    dtype: type,
    precision: torch.dtype,
) -> None:
    monkeypatch.setattr(fusing, "native_precision", lambda device: precision)
    frames = [rng.integers(0, np.iinfo(dtype).max, (*size, 3), dtype, endpoint=True) for _ in range(3)]
    model = random_model(1, arch, noise=0.05)
    whole = fuse(frames, model=model, quality=quality)
    monkeypatch.setattr(strips, "STRIP_PX", 1)
    monkeypatch.setattr(rows, "BAND_PX", 1)
    monkeypatch.setattr(planes, "PIECE_PX", 997)
    np.testing.assert_array_equal(fuse(frames, model=model, quality=quality), whole)


@pytest.mark.parametrize("quality", ["fast", "best"])
@pytest.mark.parametrize("size", [(97, 61), (300, 131)])
def test_the_luma_is_that_of_the_network(model: Network, size: tuple[int, int], quality: Quality) -> None:
    quality = quality if quality in model.qualities else model.qualities[0]
    grey = rng.random((2, *size), np.float32)
    grey = np.stack(sorted(grey, key=np.mean))
    fused = fuse([np.repeat(plane[..., None], 3, 2) for plane in grey], model=model, quality=quality)
    edge = 12 if model.arch == "paper" else 0  # which sees the edge go on, where the network itself sees zeros
    with torch.inference_mode():
        wide = torch.from_numpy(np.pad(grey, ((0, 0), (edge, edge), (edge, edge)), "edge"))[None]
        expected = model(wide, quality)[0, 0].numpy()[edge : edge + size[0], edge : edge + size[1]].clip(0, 1)
    assert np.mean((fused[..., 1] - expected) ** 2) < 1e-5  # a PSNR of 50 dB


def test_fast_is_close_to_best(bracket: list[np.ndarray]) -> None:
    best, fast = fuse(bracket, quality="best") / 65535, fuse(bracket, quality="fast") / 65535
    assert 30 < 10 * np.log10(1 / np.mean((best - fast) ** 2)) < 60
    assert mef_ssim(bracket, fuse(bracket, quality="fast")) > mef_ssim(bracket, fuse_mertens(bracket))


def test_the_first_quality_of_a_network_is_taken(bracket: list[np.ndarray], model: Network) -> None:
    default = {"pyramid": "fast", "paper": "best"}[model.arch]
    assert (fuse(bracket, model=model) == fuse(bracket, model=model, quality=default)).all()


def test_a_quality_that_is_not_there_is_refused(bracket: list[np.ndarray]) -> None:
    with pytest.raises(ModelError, match="'fast': expected a network that has it, got 'paper' with best"):
        fuse(bracket, model=random_model(0), quality="fast")
    with pytest.raises(ValueError, match="got 'good'"):
        fuse(bracket, quality="good")  # type: ignore[arg-type]


@pytest.mark.parametrize("baseline", [fuse_average, fuse_mertens])
@pytest.mark.parametrize("chosen", [[0, 2], [0, 1, 2]])
def test_the_shipped_model_beats_the_baselines(bracket: list[np.ndarray], baseline: Fuse, chosen: list[int]) -> None:
    frames = [bracket[index] for index in chosen]
    assert mef_ssim(frames, fuse(frames)) > mef_ssim(frames, baseline(frames))


def test_what_is_brighter_in_the_scene_stays_brighter() -> None:
    ramp = 0.18 * np.ones((256, 1, 3), np.float32) * 2.0 ** np.linspace(-6, 5, 512, dtype=np.float32)[:, None]
    fused = fuse([expose(ramp, stops) for stops in (-3, 0, 3)]).mean(axis=(0, 2))
    assert np.diff(fused[::32]).min() > 0


def test_the_border_is_like_the_middle() -> None:
    fused = fuse([np.full((60, 70, 3), level, np.uint16) for level in (9000, 42000)]).astype(int)
    assert np.ptp(fused) <= 64


def test_grey_frames_give_a_grey_picture(bracket: list[np.ndarray]) -> None:
    grey = [np.repeat(frame[:, :, :1], 3, axis=2) for frame in bracket]
    fused = fuse(grey).astype(int)
    assert np.ptp(fused, axis=2).max() <= 2


def test_bad_input_is_refused(bracket: list[np.ndarray]) -> None:
    with pytest.raises(ValueError, match="2 or more frames, got 1"):
        fuse(bracket[:1])
    with pytest.raises(ValueError, match="frame 1: expected \\(120, 160, 3\\) as frame 0, got \\(119, 160, 3\\)"):
        fuse([bracket[0], bracket[1][:-1]])
    with pytest.raises(ValueError, match="frame 0: expected \\(height, width, 3\\)"):
        fuse([frame[..., 0] for frame in bracket])
    with pytest.raises(TypeError, match="frame 1: expected uint16 as frame 0, got float32"):
        fuse([bracket[0], bracket[1].astype(np.float32)])
    with pytest.raises(TypeError, match="int64"):
        fuse([frame.astype(np.int64) for frame in bracket])
    with pytest.raises(ValueError, match="from 0 to 1"):
        fuse([np.full((20, 20, 3), np.nan, np.float32)] * 2)
