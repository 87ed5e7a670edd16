import numpy as np
import pytest
import torch

from deepfuse.training.loader import Loader
from deepfuse.training.patches import PatchSet, Selection, cut_patches, write_patches

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def patch_set(tmp_path_factory: pytest.TempPathFactory) -> PatchSet:
    rng = np.random.default_rng(0)
    frames = [rng.integers(0, 256, (90, 90), dtype=np.uint8) for _ in range(4)]
    path = tmp_path_factory.mktemp("patches") / "p.parquet"
    write_patches(path, [cut_patches("s", frames, [None] * 4, Selection(16, 50, 4, 1, 1))], size_px=16)
    return PatchSet(path)


def contents(batches: list[torch.Tensor]) -> list[bytes]:
    return [(patch * 255).round().to(torch.uint8).numpy().tobytes() for batch in batches for patch in batch]


@pytest.mark.parametrize("resident", [False, True])
def test_every_patch_comes_once_from_0_to_1(patch_set: PatchSet, resident: bool) -> None:
    loader = Loader(patch_set, 8, CPU, resident=resident)
    batches = list(loader.batches(3))
    assert len(batches) == len(loader)
    assert all(batch.dtype == torch.float32 and batch.min() >= 0 and batch.max() <= 1 for batch in batches)
    expected = [patch.tobytes() for batch in patch_set.batches(8) for patch in batch]
    assert sorted(contents(batches)) == sorted(expected)


@pytest.mark.parametrize("resident", [False, True])
def test_the_seed_decides_the_order(patch_set: PatchSet, resident: bool) -> None:
    loader = Loader(patch_set, 8, CPU, resident=resident)
    first = contents(list(loader.batches(3)))
    assert first == contents(list(loader.batches(3)))
    assert first != contents(list(loader.batches(4)))
    assert first != contents(list(loader.batches(None)))


def test_both_ways_keep_the_file_s_order(patch_set: PatchSet) -> None:
    stay, stream = (contents(list(Loader(patch_set, 8, CPU, resident=r).batches(None))) for r in (True, False))
    assert sorted(stay) == sorted(stream)
    pairs = [patch for patch in stream if len(patch) == 2 * 16**2]
    assert stay[: len(pairs)] == pairs
