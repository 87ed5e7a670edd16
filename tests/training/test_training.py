import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from support.pictures import expose, textured_radiance

from benchmarks.training import our_step
from deepfuse.color import from_float, luma, to_float
from deepfuse.errors import DeepfuseError
from deepfuse.model import build_model
from deepfuse.training.fit import fit
from deepfuse.training.history import history_csv
from deepfuse.training.losses import halo_error, luminance_error
from deepfuse.training.patch_set import PatchSet
from deepfuse.training.patches import Selection, cut_patches, schema, write_patches
from deepfuse.training.settings import Settings

SIZE = 44
SETTINGS = Settings(
    seed=1,
    epochs=3,
    batch_size=8,
    learning_rate=1e-3,
    loss_scales=1,
    luminance_weight=1.0,
    halo_weight=0.1,
    precision="float32",
)


@pytest.fixture(scope="module")
def patch_set(tmp_path_factory: pytest.TempPathFactory) -> PatchSet:
    radiance = textured_radiance(150, 200)
    pictures = [luma(to_float(expose(radiance, stops))) for stops in (-3, 3)]
    greys = [from_float(picture, np.dtype(np.uint8)) for picture in pictures]
    table = cut_patches("s", greys, [6, 0], Selection(SIZE, 24, 2, 2, 0.9))
    folder = tmp_path_factory.mktemp("patches")
    write_patches(folder / "s.parquet", table)
    assert len(PatchSet(folder)) == 24
    return PatchSet(folder)


def test_the_benchmark_takes_the_step_of_today() -> None:
    assert our_step(torch.rand(2, 2, 32, 32), "pyramid", "float32")().isfinite()


def test_every_quality_is_trained(patch_set: PatchSet, tmp_path: Path) -> None:
    model = build_model("pyramid")
    asked = []
    model.register_forward_pre_hook(lambda network, args: asked.append((network.training, args[1])))
    history = fit(model, patch_set, patch_set, settings=SETTINGS, checkpoint=tmp_path / "epoch.pt")
    assert (tmp_path / "history.csv").read_text() == history_csv(history)
    assert {quality for training, quality in asked if training} == {"fast", "best"}
    assert {quality for training, quality in asked if not training} == {"fast"}, "validated as it is served"


def test_an_epoch_takes_no_more_patches_than_wanted_and_validation_a_quarter(
    patch_set: PatchSet, tmp_path: Path
) -> None:
    model, trained_on = build_model("pyramid"), {1: 0, 2: 0}
    validated = []

    def look(network: torch.nn.Module, args: tuple) -> None:
        if not network.training:
            validated.append(len(args[0]))

    def count(epoch: int, patches: int) -> None:
        trained_on[epoch] += patches

    model.register_forward_pre_hook(look)
    settings = replace(SETTINGS, epochs=2, batch_size=2, patches=16)
    history = fit(model, patch_set, patch_set, settings=settings, checkpoint=tmp_path / "epoch.pt", on_batch=count)
    assert trained_on == {1: 16, 2: 16}
    assert validated == [2, 2, 2, 2]
    assert history[1].learning_rate == pytest.approx(0.5 * SETTINGS.learning_rate), "the cosine ends with the last step"


def trained(
    patch_set: PatchSet, checkpoint: Path, settings: Settings = SETTINGS, arch: str = "pyramid", **options: object
) -> tuple:
    torch.manual_seed(settings.seed)
    model = build_model(arch)
    history = fit(model, patch_set, patch_set, settings=settings, checkpoint=checkpoint, **options)
    return {name: weight.clone() for name, weight in model.state_dict().items()}, history


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(a[name], b[name]) for name in a)


@pytest.fixture(scope="module")
def undisturbed(patch_set: PatchSet, tmp_path_factory: pytest.TempPathFactory) -> tuple:
    """The weights and the history of a training of the default network."""
    return trained(patch_set, tmp_path_factory.mktemp("undisturbed") / "epoch.pt")


@pytest.mark.parametrize(("arch", "share"), [("paper", 0.6), ("pyramid", 0.9)])  # the pyramid starts lower
def test_it_learns(patch_set: PatchSet, tmp_path: Path, arch: str, share: float) -> None:
    _, history = trained(patch_set, tmp_path / "c.pt", replace(SETTINGS, epochs=6), arch)
    assert [epoch.epoch for epoch in history] == [1, 2, 3, 4, 5, 6]
    assert history[-1].train_loss < share * history[0].train_loss
    assert history[-1].val_mef_ssim is not None
    assert history[0].val_mef_ssim is not None
    assert history[-1].val_mef_ssim > history[0].val_mef_ssim
    assert history[0].learning_rate > history[-1].learning_rate > 0


@pytest.mark.parametrize(("arch", "precision"), [("paper", "float32"), ("pyramid", "float32"), ("pyramid", "bf16")])
def test_the_same_seed_gives_the_same_weights(patch_set: PatchSet, tmp_path: Path, arch: str, precision: str) -> None:
    settings = replace(SETTINGS, precision=precision, epochs=1)
    first, _ = trained(patch_set, tmp_path / "a.pt", settings, arch)
    second, _ = trained(patch_set, tmp_path / "b.pt", settings, arch)
    other, _ = trained(patch_set, tmp_path / "c.pt", replace(settings, seed=2), arch)
    assert same(first, second)
    assert not same(first, other)


def test_a_killed_training_ends_with_the_weights_of_an_undisturbed_one(
    patch_set: PatchSet, tmp_path: Path, undisturbed: tuple
) -> None:
    expected, history = undisturbed

    def kill(epoch: int, patches: int) -> None:
        if epoch == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(patch_set, tmp_path / "killed.pt", on_batch=kill)
    seen = set()
    resumed, again = trained(patch_set, tmp_path / "killed.pt", on_batch=lambda epoch, _: seen.add(epoch))
    assert seen == {3}
    assert same(resumed, expected)
    assert again == history


def test_bf16_stays_near_float32(patch_set: PatchSet, tmp_path: Path, undisturbed: tuple) -> None:
    _, full = undisturbed
    _, half = trained(patch_set, tmp_path / "c.pt", replace(SETTINGS, precision="bf16"))
    assert half[-1].train_loss == pytest.approx(full[-1].train_loss, rel=0.1)


def test_luminance_error_by_hand() -> None:
    # Weights e^(−(μ − .5)²/.08) of the whole pictures and e^(−(l − .5)²/.5) of the place, at .2, .8 and .5.
    levels, means = [0.2, 0.8, 0.5], [0.1, 0.6, 0.3]
    weights = [math.exp(-((m - 0.5) ** 2) / 0.08 - (x - 0.5) ** 2 / 0.5) for m, x in zip(means, levels, strict=True)]
    wanted = sum(w * x for w, x in zip(weights, levels, strict=True)) / sum(weights)
    frames = torch.tensor(levels, dtype=torch.float64).view(1, 3, 1, 1).expand(1, 3, 50, 60)
    fused = torch.full((1, 1, 50, 60), wanted + 0.1, dtype=torch.float64)
    found = luminance_error(frames, fused, torch.tensor([means], dtype=torch.float64))
    expected = 1 - (2 * wanted * (wanted + 0.1) + 1e-4) / (wanted**2 + (wanted + 0.1) ** 2 + 1e-4)
    assert float(found) == pytest.approx(expected, rel=1e-9)


def test_a_night_is_wanted_dark_and_a_shadow_is_not() -> None:
    """The same patch, dark and less dark: of a scene that is dark all over, and of one that is not."""
    frames = torch.tensor([0.05, 0.3]).view(1, 2, 1, 1).expand(1, 2, 32, 32)
    darker, brighter = (torch.full((1, 1, 32, 32), level) for level in (0.1, 0.29))
    both_dark, dark_and_good = torch.tensor([[0.45, 0.9]]), torch.tensor([[0.1, 0.5]])
    assert luminance_error(frames, darker, both_dark) < luminance_error(frames, brighter, both_dark)
    assert luminance_error(frames, darker, dark_and_good) > luminance_error(frames, brighter, dark_and_good)


def test_fine_structure_costs_no_luminance() -> None:
    frames, means = torch.full((1, 2, 64, 64), 0.5), torch.full((1, 2), 0.5)
    checks = torch.full((1, 1, 64, 64), 0.5)
    checks[..., ::2] += 0.2
    checks[..., 1::2] -= 0.2
    assert float(luminance_error(frames, checks, means)) < 1e-8


def edge(size: int = 96) -> torch.Tensor:
    """A soft edge from dark to bright, (1, 1, size, size) in float64."""
    place = torch.arange(size, dtype=torch.float64) - size / 2
    return (0.25 + 0.5 * torch.sigmoid(place / 2)).view(1, 1, 1, size).repeat(1, 1, size, 1)


def test_a_halo_costs_and_contrast_does_not() -> None:
    scene, size = edge(), 96
    frames = torch.cat([0.5 * scene, scene], 1)
    place = torch.arange(size, dtype=torch.float64).view(1, 1, 1, size) - size / 2
    ripple = 0.25 * torch.tanh(place / 8) * torch.exp(-((place / 24) ** 2))  # over- and undershoot beside the edge
    assert float(halo_error(frames, scene)) == 0
    assert float(halo_error(frames, scene.sqrt())) == 0
    assert float(halo_error(frames, scene + ripple)) > 0.05
    assert float(halo_error(frames, 1 - scene)) > 0.9


def test_halo_error_can_be_learned_from() -> None:
    rng = torch.Generator().manual_seed(0)
    frames = torch.rand(1, 2, 40, 48, dtype=torch.float64, generator=rng)
    fused = torch.rand(1, 1, 40, 48, dtype=torch.float64, generator=rng).requires_grad_()
    assert torch.autograd.gradcheck(lambda picture: halo_error(frames, picture), fused, eps=1e-6, atol=1e-5)
    assert fused.grad is None


def test_no_patches_and_a_diverging_loss_are_errors(patch_set: PatchSet, tmp_path: Path) -> None:
    write_patches(tmp_path / "flat.parquet", schema(SIZE).empty_table())
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(DeepfuseError, match=f"{folder}: expected training patches, got none"):
            trained(PatchSet(folder), tmp_path / "c.pt")
    with pytest.raises(DeepfuseError, match="finite"):
        trained(patch_set, tmp_path / "d.pt", replace(SETTINGS, learning_rate=1e30), "paper")


def test_history_without_validation_has_empty_cells(patch_set: PatchSet, tmp_path: Path) -> None:
    history = fit(
        build_model("pyramid"),
        patch_set,
        PatchSet(tmp_path / "none"),
        settings=replace(SETTINGS, epochs=1),
        checkpoint=tmp_path / "c.pt",
    )
    header, row = history_csv(history).splitlines()
    assert header == "epoch,learning_rate,train_loss,val_mef_ssim"
    assert row.startswith("1,0.001,")
    assert row.endswith(",")
