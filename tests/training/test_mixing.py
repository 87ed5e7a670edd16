"""Earlier patches among those to learn from, and weights to start from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from support.pictures import random_model
from support.projects import ROOT

from deepfuse.errors import ParamsError
from deepfuse.model import SHIPPED, build_model, read_model, write_model
from deepfuse.params import Params, read_params
from deepfuse.stages import train
from deepfuse.training.fit import fit
from deepfuse.training.loader import Loader
from deepfuse.training.mixing import Mixture
from deepfuse.training.patch_set import PatchSet
from deepfuse.training.patches import Selection, cut_patches, write_patches
from deepfuse.training.settings import Settings

SIZE = 44
SETTINGS = Settings(
    0, 2, 4, 1e-3, loss_scales=1, luminance_weight=1.0, halo_weight=0.1, precision="float32", replay=0.4
)


def patches(folder: Path, name: str, count: int, level: int) -> PatchSet:
    """Noise whose brightest pixel says which set it is of."""
    noise = np.random.default_rng(level).integers(0, level + 1, (60, 60), np.uint8)
    noise[:: SIZE // 4, :: SIZE // 4] = level
    table = cut_patches(name, [noise // 4, noise], [8.0, 6.0], Selection(SIZE, count, 2, 1, 1.0))
    assert len(table) == count
    (folder / name).mkdir(exist_ok=True)
    write_patches(folder / name / f"{name}.parquet", table)
    return PatchSet(folder / name)


def mixture(folder: Path, own: int, earlier: int, share: float) -> Mixture:
    sets = patches(folder, "own", own, 100), patches(folder, "earlier", earlier, 200)
    return Mixture(*(Loader(each, 4, torch.device("cpu")) for each in sets), share)


def order(mixed: Mixture, seed: int) -> list[bool]:
    """Which batches are of the earlier patches."""
    return [bool(255 * frames.max() > 150) for frames, _, _ in mixed.batches(seed)]


@pytest.mark.parametrize(("share", "expected"), [(0.0, 0), (0.25, 2), (0.5, 6), (0.75, 18)])
def test_a_share_of_the_batches_is_of_earlier_patches_however_few_there_are(
    tmp_path: Path, share: float, expected: int
) -> None:
    mixed = mixture(tmp_path, own=24, earlier=8, share=share)
    found = order(mixed, 3)
    assert len(found) == len(mixed) == 6 + expected
    assert sum(found) == expected
    assert order(mixed, 3) == found
    if 0 < expected < 18:
        assert found != order(mixed, 4) or found != order(mixed, 5), "another epoch, another order"


def test_a_killed_training_with_earlier_patches_ends_with_the_same_weights(tmp_path: Path) -> None:
    own, earlier = patches(tmp_path, "own", 12, 100), patches(tmp_path, "earlier", 8, 200)

    def trained(checkpoint: str, dies: bool = False) -> dict[str, torch.Tensor]:
        def on_batch(epoch: int, count: int) -> None:
            if dies and epoch == 2:
                raise KeyboardInterrupt

        model = read_model(SHIPPED).requires_grad_(True)
        path = tmp_path / checkpoint
        fit(model, own, own, settings=SETTINGS, checkpoint=path, replay=earlier, on_batch=on_batch)
        return model.state_dict()

    expected = trained("whole.pt")
    with pytest.raises(KeyboardInterrupt):
        trained("killed.pt", dies=True)
    resumed, shipped = trained("killed.pt"), read_model(SHIPPED).state_dict()
    assert all(torch.equal(weight, resumed[name]) for name, weight in expected.items())
    assert any(not torch.equal(weight, shipped[name]) for name, weight in expected.items())


def with_train(**changes: object) -> Params:
    params = read_params(ROOT / "params.yaml")
    arch = changes.pop("arch", params.model.arch)
    model = params.model.model_copy(update={"arch": arch})
    return params.model_copy(update={"train": params.train.model_copy(update=changes), "model": model})


def weights(model: torch.nn.Module) -> list[torch.Tensor]:
    return list(model.state_dict().values())


def test_training_starts_from_what_its_parameter_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    cpu = torch.device("cpu")
    champion = random_model(7)
    write_model(champion, tmp_path / "data/start")
    for start, arch, expected in (("shipped", "pyramid", read_model(SHIPPED)), ("champion", champion.arch, champion)):
        begun = train.begun(with_train(start=start, arch=arch), cpu)
        assert all(map(torch.equal, weights(begun), weights(expected)))
        assert all(weight.requires_grad for weight in begun.parameters())
    torch.manual_seed(5)
    fresh = weights(train.begun(with_train(start="scratch"), cpu))
    torch.manual_seed(5)
    assert all(map(torch.equal, fresh, weights(build_model("pyramid"))))


def test_weights_that_are_not_there_or_of_another_network_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ParamsError, match=r"train\.start: champion: .*`python -m flows retrain`"):
        train.begun(with_train(start="champion"), torch.device("cpu"))
    with pytest.raises(ParamsError, match="architecture 'paper', got 'pyramid'"):
        train.begun(with_train(start="shipped", arch="paper"), torch.device("cpu"))


def test_weights_are_tuned_at_a_rate_of_their_own() -> None:
    fresh, tuned = (with_train(start=start).train for start in ("scratch", "shipped"))
    assert train.settings_of(fresh, "bf16").learning_rate == fresh.learning_rate
    assert train.settings_of(tuned, "bf16").learning_rate == tuned.tuning_rate < fresh.learning_rate
