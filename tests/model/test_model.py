import json
from pathlib import Path

import pytest
import torch
from support.pictures import random_model
from torch.nn.functional import conv2d, leaky_relu

from deepfuse.errors import ModelError
from deepfuse.model import (
    NETWORKS,
    SHIPPED,
    build_model,
    pick_device,
    read_model,
    weights_sha256,
    write_model,
)
from deepfuse.model.level import MARGIN
from deepfuse.model.paper import PaperNet
from deepfuse.model.pyramid import PyramidNet


@pytest.mark.parametrize("arch", NETWORKS)
def test_training_starts_at_the_plain_average(arch: str) -> None:
    luma = MARGIN + (1 - 2 * MARGIN) * torch.rand(1, 3, 64, 64)
    expected = luma.mean(1, keepdim=True)
    # Unit gain: each level adds the mean of the bands to the enlarged mean.
    torch.testing.assert_close(build_model(arch)(luma), expected, atol=1e-5, rtol=0)


def test_the_layers_are_those_of_the_paper() -> None:
    shapes = {name: tuple(weight.shape) for name, weight in PaperNet().named_parameters() if "weight" in name}
    assert shapes == {
        "c1.weight": (16, 1, 5, 5),
        "c2.weight": (32, 16, 7, 7),
        "c3.weight": (32, 32, 7, 7),
        "c4.weight": (16, 32, 5, 5),
        "c5.weight": (1, 16, 5, 5),
    }


def test_forward_is_the_paper_written_out() -> None:
    model = random_model(0)
    luma = torch.rand(2, 2, 20, 24)

    def layer(x: torch.Tensor, name: str, pad: int) -> torch.Tensor:
        parameters = dict(model.named_parameters())
        return conv2d(x, parameters[f"{name}.weight"], parameters[f"{name}.bias"], padding=pad)

    towers = [leaky_relu(layer(leaky_relu(layer(luma[:, k : k + 1], "c1", 2)), "c2", 3)) for k in (0, 1)]
    merged = leaky_relu(layer(leaky_relu(layer(towers[0] + towers[1], "c3", 3)), "c4", 2))
    torch.testing.assert_close(model(luma), layer(merged, "c5", 2))


@pytest.mark.parametrize("arch", NETWORKS)
def test_any_number_of_exposures_in_any_order(arch: str) -> None:
    model = random_model(0, arch)
    luma = torch.rand(1, 4, 16, 16)
    torch.testing.assert_close(model(luma), model(luma[:, [2, 0, 3, 1]]))
    torch.testing.assert_close(model(luma[:, :2]), model(luma[:, [0, 1, 0, 1]]))


def test_the_pyramid_stays_within_the_range() -> None:
    model = random_model(0, "pyramid", noise=1.0)
    fused = model(torch.rand(1, 2, 100, 70).round())
    assert 0 <= float(fused.min()) < MARGIN
    assert 1 - MARGIN < float(fused.max()) <= 1


def test_the_pyramid_cannot_invent_structure() -> None:
    model = random_model(0, "pyramid", noise=0.3)
    flat = torch.tensor([0.2, 0.7]).view(1, 2, 1, 1).expand(1, 2, 90, 70)
    assert float(model(flat).std()) < 1e-5


def test_gradients_reach_every_weight() -> None:
    model = PyramidNet()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    model(torch.rand(2, 3, 64, 64)).sum().backward()
    shared = "levels.6.head.bias"  # the same for all exposures: weights that add up to one do not feel it
    unreached = [
        name for name, weight in model.named_parameters() if weight.grad is None or not weight.grad.abs().sum()
    ]
    assert set(unreached) <= {shared}


def test_an_exposure_s_mean_decides_and_is_the_picture_s_own_by_default() -> None:
    model, luma = read_model(SHIPPED), torch.rand(1, 2, 128, 192) * torch.tensor([0.4, 1]).view(1, 2, 1, 1)
    with torch.no_grad():
        own = model(luma, "best", luma.mean((2, 3)))
        torch.testing.assert_close(model(luma), own, atol=1e-5, rtol=0)
        assert (model(luma, "best", torch.tensor([[0.1, 0.4]])) - own).abs().max() > 0.01


def test_the_field_of_view_is_the_halo() -> None:
    model = random_model(0)
    luma = torch.zeros(1, 2, 64, 64)
    touched = luma.clone()
    touched[0, 0, 32, 32] = 1
    with torch.no_grad():
        rows = (model(touched) - model(luma))[0, 0].abs().sum(1).nonzero().flatten()
    assert (int(rows.min()), int(rows.max())) == (32 - model.halo_px, 32 + model.halo_px)


def test_files_bring_the_network_back(tmp_path: Path) -> None:
    model = random_model(3)
    write_model(model, tmp_path / "a")
    write_model(model, tmp_path / "b")
    back = read_model(tmp_path / "a", device=torch.device("cpu"))
    luma = torch.rand(1, 2, 16, 16)
    assert torch.equal(back(luma), model(luma))
    assert (tmp_path / "a/model.safetensors").read_bytes() == (tmp_path / "b/model.safetensors").read_bytes()


def test_altered_or_foreign_files_are_refused(tmp_path: Path) -> None:
    write_model(random_model(0), tmp_path)
    weights, config = tmp_path / "model.safetensors", tmp_path / "config.json"
    original, stated = weights.read_bytes(), json.loads(config.read_text())
    weights.write_bytes(original[:-1] + b"\x01")
    with pytest.raises(ModelError, match="sha256"):
        read_model(tmp_path)
    weights.write_bytes(original)
    config.write_text(json.dumps(stated | {"arch": "unet"}))
    with pytest.raises(ModelError, match="unet"):
        read_model(tmp_path)
    for text in ("{}", "[]", "{", '{"arch": "pyramid"}'):
        config.write_text(text)
        with pytest.raises(
            ModelError, match=r'config\.json: expected "arch" and "sha256" in JSON, got something else$'
        ):
            read_model(tmp_path)
    said = r"absent: expected model\.safetensors and config\.json, which cannot be read: No such file or directory$"
    with pytest.raises(ModelError, match=said):
        read_model(tmp_path / "absent")


def test_weights_of_another_arithmetic_are_refused(tmp_path: Path) -> None:
    """Those of before the arithmetic had a version are of the first, as the shipped ones are."""
    write_model(random_model(0), tmp_path)
    config = tmp_path / "config.json"
    stated = json.loads(config.read_text())
    assert stated["arithmetic"] == json.loads((SHIPPED / "config.json").read_text())["arithmetic"] == 1
    config.write_text(json.dumps(stated | {"arithmetic": 2}))
    with pytest.raises(ModelError, match=r"config\.json: expected arithmetic 1 of architecture '\w+', .* got 2$"):
        read_model(tmp_path)
    del stated["arithmetic"]
    config.write_text(json.dumps(stated))
    assert read_model(tmp_path)


def test_weights_of_other_shapes_are_refused(tmp_path: Path) -> None:
    model = random_model(0)
    model.c5 = torch.nn.Conv2d(16, 2, 5)
    write_model(model, tmp_path)
    with pytest.raises(ModelError, match=r"model\.safetensors: expected weights of architecture '\w+', got others$"):
        read_model(tmp_path)


@pytest.mark.parametrize("odd", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(tmp_path: Path, odd: float) -> None:
    model = build_model("paper")
    name, weight = next(iter(model.named_parameters()))
    with torch.no_grad():
        weight.view(-1)[-1] = odd
    write_model(model, tmp_path)
    with pytest.raises(ModelError, match=rf"model\.safetensors: expected finite weights, got others in {name}"):
        read_model(tmp_path)
    with pytest.raises(ModelError, match="expected finite weights"):
        weights_sha256(tmp_path)


def test_the_shipped_weights_load() -> None:
    assert sum(weight.numel() for weight in read_model(SHIPPED).parameters()) < 1_000_000


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ModelError, match="unet"):
        build_model("unet")
    if not torch.cuda.is_available():
        with pytest.raises(ModelError, match="CUDA"):
            pick_device("cuda")
