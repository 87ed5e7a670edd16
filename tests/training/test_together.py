"""Two processes that train together: the steps of one, whatever one goes on from, and one end for both."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from support import teams
from support.projects import ROOT, TINY, set_params

from deepfuse.errors import DeepfuseError
from deepfuse.model import SHIPPED, build_model, read_model
from deepfuse.stages import train
from deepfuse.training.fit import fit
from deepfuse.training.loader import Loader
from deepfuse.training.patch_set import PatchSet
from deepfuse.training.team import Team, own_device

# The same preference for every exposure changes no softmax: its gradient is rounding, of which Adam makes a full step.
NO_EFFECT = re.compile(r"head\.bias$")
ROUNDING = 1e-6
PART_OF_A_STEP = 1e-4  # of the learning rate, 1e-3: Adam enlarges the rounding of what has nearly no gradient


@pytest.fixture(scope="module", autouse=True)
def signals() -> Iterator[None]:
    """As they were: a launcher takes them for the rest of its process's life."""
    before = {number: signal.getsignal(number) for number in (1, 2, 3, 15)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What one process and two have trained, the two by stage `train` and after it; at their end, one of them fails."""
    folder = tmp_path_factory.mktemp("together")
    teams.write_sets(folder)
    teams.train(folder, "one")
    shutil.copy(folder / "one.first", folder / "one_then_two.pt")
    shutil.copy(ROOT / "params.yaml", folder)
    set_params(folder, {"train": {**TINY["train"], "start": "shipped", "processes": 2, "epochs": 1}})
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(train, "train_together", teams.work_together)
        with pytest.raises(DeepfuseError) as error:
            train.main()
    (folder / "error").write_text(str(error.value))
    shutil.copy(folder / "two.first", folder / "two_then_one.pt")
    teams.train(folder, "two_then_one")
    return folder


def after(folder: Path, name: str) -> Any:
    return torch.load(folder / f"{name}.after", weights_only=False)


def weights(folder: Path, name: str) -> dict[str, torch.Tensor]:
    return dict(after(folder, name)["weights"])


@pytest.mark.parametrize("name", ["two", "one_then_two", "two_then_one"])
def test_two_take_the_steps_of_one_also_from_its_checkpoint_and_it_from_theirs(folder: Path, name: str) -> None:
    expected, found = after(folder, "one"), after(folder, name)
    names = [name for name in expected["weights"] if not NO_EFFECT.search(name)]
    away = torch.cat([(found["weights"][name] - expected["weights"][name]).abs().flatten() for name in names])
    assert float(away.mean()) < ROUNDING / 10
    assert float(away.max()) < PART_OF_A_STEP
    for mine, yours in zip(found["history"], expected["history"], strict=True):
        assert mine[:2] == pytest.approx(yours[:2], abs=ROUNDING)
    assert found["steps"] == expected["steps"][-len(found["steps"]) :]
    assert [processes for *_, processes in found["history"]] == {"two": [2, 2], "one_then_two": [1, 2]}.get(
        name, [2, 1]
    )


def test_what_two_fuse_is_what_one_fuses(folder: Path) -> None:
    frames, pictures = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0)), []
    for name in ("one", "two"):
        model = build_model("pyramid").eval()
        model.load_state_dict(weights(folder, name))
        pictures.append(model(frames).detach())
    torch.testing.assert_close(*pictures, atol=ROUNDING, rtol=0)


def test_two_train_the_same_bits_again(folder: Path) -> None:
    first, second = weights(folder, "two"), weights(folder, "again")
    assert all(torch.equal(weight, second[name]) for name, weight in first.items())


def test_the_losses_of_parts_are_the_batch_s_and_so_is_their_gradient(folder: Path) -> None:
    """In float64, with parts of one and two patches: of the mean of the parts' losses the gradient is 34 % away."""
    terms, gradient = after(folder, "losses")
    expected_terms, expected = teams.losses_of()
    torch.testing.assert_close(terms, expected_terms, rtol=1e-12, atol=0)
    torch.testing.assert_close(gradient, expected, rtol=1e-9, atol=1e-15)


def test_an_error_in_one_ends_both_with_its_message(folder: Path) -> None:
    assert (folder / "error").read_text() == "process 1 of 2, from 0: ValueError: scene 12: expected pixels, got none"
    assert not (folder / "went_on").exists()


@pytest.mark.parametrize("resident", [False, True])
@pytest.mark.parametrize("size", [2, 3, 5])
def test_the_parts_of_a_batch_are_the_batch(folder: Path, size: int, resident: bool) -> None:
    patches = PatchSet(folder / teams.SETS[0])
    batches = Loader(patches, 4, teams.CPU, resident=resident).batches(7)
    parts = [Loader(patches, 4, teams.CPU, Team(rank, size), resident=resident).batches(7) for rank in range(size)]
    for whole, *of_all in zip(batches, *parts, strict=True):
        counted = [own for own in of_all if own.part.counted]
        assert torch.equal(torch.cat([own.frames for own in counted]), whole.frames)
        assert torch.equal(torch.cat([own.means for own in counted]), whole.means)
        assert sum(own.part.counted for own in of_all) == len(whole.frames) == of_all[0].part.patches
        assert all(len(own.frames) >= 1 for own in of_all), "each takes part in what all compute"


def test_more_processes_than_patches_in_a_batch_are_refused(folder: Path, tmp_path: Path) -> None:
    own = PatchSet(folder / teams.SETS[0])
    with pytest.raises(DeepfuseError, match="batch_size: expected a patch for each of 5 processes, got 4"):
        fit(build_model("pyramid"), own, own, settings=teams.SETTINGS, checkpoint=tmp_path / "c.pt", team=Team(0, 5))


def test_each_process_has_a_cuda_device_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", taken.append)
    assert own_device(torch.device("cuda")) == torch.device("cuda"), "alone"
    for name, value in {"TORCHELASTIC_RUN_ID": "a", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)
    assert own_device(torch.device("cuda")) == torch.device("cuda:1")
    assert own_device(torch.device("cpu")) == torch.device("cpu")
    assert taken == [1]
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "3")
    with pytest.raises(DeepfuseError, match="expected 2 at most, one a CUDA device, got 3"):
        own_device(torch.device("cuda"))


def test_the_stage_trains_in_two_processes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    written, shipped = (read_model(path).state_dict() for path in (Path("data/model"), SHIPPED))
    assert any(not torch.equal(weight, written[name]) for name, weight in shipped.items())
    provenance = json.loads(Path("data/model/provenance.json").read_text())
    assert provenance["processes"] == [2]
    assert provenance["threads"] == max(1, torch.get_num_threads() // 2) or "OMP_NUM_THREADS" in os.environ
    assert len(Path("data/metrics/history.csv").read_text().splitlines()) == 2
    [checkpoint] = Path(".deepfuse/checkpoints").glob("*/epoch.pt")
    set_params(folder, {"train": {"processes": 1}})
    train.main()
    assert list(Path(".deepfuse/checkpoints").glob("*/epoch.pt")) == [checkpoint], "gone on with by one"
    again, origin = read_model(Path("data/model")).state_dict(), Path("data/model/provenance.json").read_text()
    assert all(torch.equal(weight, again[name]) for name, weight in written.items())
    assert json.loads(origin) == {**provenance, "threads": torch.get_num_threads()}, "who trained, not who wrote"
