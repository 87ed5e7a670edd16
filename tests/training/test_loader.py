from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from deepfuse.training import patch_set as patch_set_module
from deepfuse.training.loader import Batch, Loader
from deepfuse.training.patch_set import PatchSet, exposure_counts
from deepfuse.training.patches import Selection, cut_patches, write_patches

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def patch_set(tmp_path_factory: pytest.TempPathFactory) -> PatchSet:
    rng = np.random.default_rng(0)
    frames = [rng.integers(0, 256, (90, 90), dtype=np.uint8) for _ in range(4)]
    folder = tmp_path_factory.mktemp("patches")
    write_patches(folder / "s.parquet", cut_patches("s", frames, [None] * 4, Selection(16, 50, 4, 1, 1)))
    return PatchSet(folder)


def contents(batches: list[Batch]) -> list[bytes]:
    return [(patch * 255).round().to(torch.uint8).numpy().tobytes() for luma, _, _ in batches for patch in luma]


@pytest.mark.parametrize("resident", [False, True])
def test_every_patch_comes_once_from_0_to_1(patch_set: PatchSet, resident: bool) -> None:
    loader = Loader(patch_set, 8, CPU, resident=resident)
    batches = list(loader.batches(3))
    assert len(batches) == len(loader)
    assert all(
        part.dtype == torch.float32 and part.min() >= 0 and part.max() <= 1 for batch in batches for part in batch[:2]
    )
    expected = [patch.tobytes() for luma, _ in patch_set.batches(8) for patch in luma]
    assert sorted(contents(batches)) == sorted(expected)


@pytest.mark.parametrize("resident", [False, True])
def test_the_seed_decides_the_order(patch_set: PatchSet, resident: bool) -> None:
    loader = Loader(patch_set, 8, CPU, resident=resident)
    first = contents(list(loader.batches(3)))
    assert first == contents(list(loader.batches(3)))
    assert first != contents(list(loader.batches(4)))
    assert first != contents(list(loader.batches(None)))


@pytest.mark.parametrize("resident", [False, True])
def test_a_pass_takes_no_more_than_wanted_and_others_the_next_time(patch_set: PatchSet, resident: bool) -> None:
    loader = Loader(patch_set, 8, CPU, most=17, resident=resident)
    passes = [list(loader.batches(seed)) for seed in range(20)]
    assert all(len(batches) == len(loader) == 2 for batches in passes)
    assert contents(passes[0]) == contents(list(loader.batches(0)))
    assert {*contents([batch for batches in passes for batch in batches])} == {*contents(list(whole(patch_set)))}
    assert len(Loader(patch_set, 8, CPU, most=1, resident=resident)) == 1
    assert len(Loader(patch_set, 8, CPU, most=10_000, resident=resident)) == len(Loader(patch_set, 8, CPU))


def test_a_bounded_pass_opens_the_files_that_it_takes_patches_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = [np.random.default_rng(0).integers(0, 256, (20, 20), dtype=np.uint8) for _ in range(2)]
    for scene in map(str, range(40)):
        write_patches(tmp_path / f"{scene}.parquet", cut_patches(scene, frames, [None] * 2, Selection(16, 1, 2, 0, 1)))
    counts = {file.name: exposure_counts(file) for file in tmp_path.iterdir()}
    opened, read = set[str](), patch_set_module._read_metadata
    monkeypatch.setattr(patch_set_module, "_read_metadata", lambda file: opened.add(file.name) or read(file))
    loader = Loader(PatchSet(tmp_path, counts), 2, CPU, most=6)
    assert len(list(loader.batches(1))) == 3
    assert len(opened - {"0.parquet"}) <= 6, "and the first, for the size of a patch"


def whole(patch_set: PatchSet) -> Iterator[Batch]:
    return Loader(patch_set, 8, CPU).batches(None)


def test_both_ways_keep_the_file_s_order(patch_set: PatchSet) -> None:
    stay, stream = (contents(list(Loader(patch_set, 8, CPU, resident=r).batches(None))) for r in (True, False))
    assert sorted(stay) == sorted(stream)
    pairs = [patch for patch in stream if len(patch) == 2 * 16**2]
    assert stay[: len(pairs)] == pairs


@pytest.mark.parametrize("resident", [False, True])
def test_each_patch_comes_with_the_means_of_its_pictures(tmp_path, resident: bool) -> None:
    """Flat but for one pixel, each exposure's patch tells its picture's mean; two scenes are mixed."""
    for scene in range(2):
        levels = [40 + 20 * scene, 120 + 30 * scene]
        frames = [np.full((64, 64), level, np.uint8) for level in levels]
        frames[1][::2] += 8
        table = cut_patches(f"s{scene}", frames, [None] * 2, Selection(16, 10, 2, 1, 1))
        write_patches(tmp_path / f"s{scene}.parquet", table)
    loader = Loader(PatchSet(tmp_path), 3, CPU, resident=resident)
    batches = list(loader.batches(1))
    assert sum(len(luma) for luma, _, _ in batches) == 20
    for luma, means, _ in batches:
        torch.testing.assert_close(luma.mean((2, 3)), means, atol=1e-6, rtol=0)
